// A gateway in front of the stand-in that holds each Run until the test answers it. Other calls pass through.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';

interface HeldRun {
  /** Lets the stand-in answer. */
  pass(): Promise<void>;
  /** Answers instead of the stand-in, which never hears of it. */
  answer(status: number, body?: string): void;
}

export interface HeldRuns {
  service: Service;
  /** Every Run that came, answered or not. */
  count(): number;
  /** The oldest Run that is not answered yet, as soon as there is one. */
  next(): Promise<HeldRun>;
  close(): Promise<void>;
}

export async function startWithHeldRuns(options: ServiceOptions = {}): Promise<HeldRuns> {
  const held: HeldRun[] = [];
  const waiting: ((run: HeldRun) => void)[] = [];
  let count = 0;
  let origin = '';

  async function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { host, connection, 'content-length': _, ...headers } = request.headers;
    const answer = await fetch(new URL(request.url ?? '', origin), {
      method: request.method ?? 'POST',
      headers: headers as Record<string, string>,
      body: new Uint8Array(body),
    });
    const text = await answer.text();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (!request.url?.startsWith('/v1/Run/')) return forward(request, body, response);
    count += 1;
    const run: HeldRun = {
      pass: () => forward(request, body, response),
      answer: (status, text = '') => void response.writeHead(status).end(text),
    };
    const next = waiting.shift();
    if (next) next(run);
    else held.push(run);
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { vars, ...others } = options;
  const service = await startService({
    ...others,
    vars: { ...vars, WIRO_API_URL: `http://127.0.0.1:${port}/v1` },
  });
  origin = service.sim.apiUrl;
  return {
    service,
    count: () => count,
    next: () => {
      const run = held.shift();
      return run ? Promise.resolve(run) : new Promise((resolve) => waiting.push(resolve));
    },
    close: async () => {
      await service.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
