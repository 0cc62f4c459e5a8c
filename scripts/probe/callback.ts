// A receiver of Wiro's callback on the loopback interface.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Receiver {
  url: string;
  /** The first body that arrived. */
  received: Promise<string>;
  close: () => Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const { promise: received, resolve } = Promise.withResolvers<string>();
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => '');
    response.end();
    if (request.method === 'POST') resolve(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`, received, close };
}

export function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
