// A server that the Worker must not call: it has the same video, and records its callers.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sampleBytes } from '../support/sample.ts';

export interface ForeignHost {
  /** `127.0.0.1:PORT` */
  host: string;
  /** A video is to be had here. */
  url: string;
  /** The path of every request that came. */
  requests: string[];
  close(): Promise<void>;
}

export async function startForeignHost(): Promise<ForeignHost> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': sampleBytes.length });
    response.end(sampleBytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections());
  return { host, url: `http://${host}/0.mp4`, requests, close };
}
