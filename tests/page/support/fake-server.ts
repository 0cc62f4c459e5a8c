// A server with scripted responses, for those that the Worker never sends.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  at: number;
}

export type Answer = (response: ServerResponse, asked: Asked) => void;

export class FakeServer {
  /** Every request so far. */
  asked: Asked[] = [];
  /** Handlers for the next requests, one each; the last one handles all later requests. */
  answers: Answer[] = [];
  readonly #server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const asked = { method, url, headers, body: await buffer(request), at: Date.now() };
    this.asked.push(asked);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    answer?.(response, asked);
  });

  async start(): Promise<void> {
    this.asked = [];
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

export const ID = `vid_${'a2'.repeat(20)}`;

export const VIDEO = {
  ...{ id: ID, object: 'video', model: 'm', status: 'completed', stage: 'done', queue_position: null },
  ...{ progress: 100, progress_source: 'none', created_at: 1, started_at: null, completed_at: null },
  ...{ expires_at: null, output: null, cost_usd: null, error: null },
  input: { prompt: 'p', promptOptimizer: true, resolution: '768P', duration: 6 },
  urls: { self: '', events: '', content: null, download: null, thumbnail: null, cancel: '' },
};

export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

/** Responses of proxies between a client and the Worker. */
export const html =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<h1>Error</h1>');
