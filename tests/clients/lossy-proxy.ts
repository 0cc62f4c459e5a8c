// A proxy that loses answers: the request reaches the Worker and is carried out, but the connection breaks before the
// answer comes.
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LossyProxy {
  origin: string;
  /** How many answers were lost. */
  lost(): number;
  close(): Promise<void>;
}

/** Loses the answer to the first submit of each client token; everything else passes. */
export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    const { method, headers, url = '/' } = request;
    // Wiro's callbacks come this way too.
    const isLost = method === 'POST' && url === '/v1/videos' && !seen.has(headers.authorization ?? '');
    if (isLost) seen.add(headers.authorization ?? '');
    const onward = forward(new URL(url, target), { method, headers }, (answer) => {
      if (isLost) {
        answer.resume();
        answer.on('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => request.socket.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost: () => seen.size,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
