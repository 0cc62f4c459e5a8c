// A receiver of callbacks for the tests: it answers as scripted and records deliveries.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Answers with one of `statuses` after the other, then 200; `onCallback` is awaited before each answer. */
export async function startReceiver(statuses: number[] = [], onCallback: () => unknown = () => {}) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    received.push({ path: request.url ?? '', headers: request.headers, body });
    await onCallback();
    response.writeHead(statuses.shift() ?? 200).end('noted');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/wiro/1`;
  const close = () =>
    new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections());
  return { url, received, [Symbol.asyncDispose]: close };
}
