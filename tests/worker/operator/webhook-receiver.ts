// A receiver of the operator's webhook on a real socket: it records deliveries and answers as scripted.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import type { Video } from '../support/types.ts';

/** A status, optionally with headers; or no answer: the connection hangs or breaks. */
export type Reply = number | [status: number, headers: Record<string, string>] | 'silence' | 'reset';

export interface Delivery {
  /** In milliseconds. */
  at: number;
  path: string;
  headers: Record<string, string>;
  body: string;
  /** Whether the sender closed the connection before an answer. */
  isBrokenOff: boolean;
}

export interface Message {
  id: string;
  object: 'event';
  type: string;
  created_at: number;
  timestamp: string;
  data: Video & { client: string | null };
}

export async function startWebhookReceiver(port = 0): Promise<WebhookReceiver> {
  const receiver = new WebhookReceiver();
  await receiver.listen(port);
  return receiver;
}

class WebhookReceiver {
  readonly #deliveries: Delivery[] = [];
  readonly #replies = new Map<string, Reply[]>();
  readonly #server = createServer(async (request, response) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const at = Date.now();
    const delivery = { at, path: request.url ?? '', headers, body: await text(request), isBrokenOff: false };
    response.once('close', () => {
      delivery.isBrokenOff = !response.writableFinished;
    });
    this.#deliveries.push(delivery);
    this.#reply(response, this.#replies.get(promptOf(delivery))?.shift() ?? 204);
  });

  /** The replies to the deliveries for the video of this prompt, in order; then 204. */
  script(prompt: string, replies: Reply[]): void {
    this.#replies.set(prompt, replies);
  }

  /** All deliveries for the video of this prompt. */
  of(prompt: string): Delivery[] {
    return this.#deliveries.filter((delivery) => promptOf(delivery) === prompt);
  }

  /** The same, as soon as there are `count` of them. */
  async deliveriesFor(prompt: string, count = 1, timeout = 15_000): Promise<Delivery[]> {
    await vi.waitUntil(() => this.of(prompt).length >= count, { timeout, interval: 20 });
    return this.of(prompt);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  listen(port: number): Promise<void> {
    // Late enough that no connection is closed when it is about to be used again.
    this.#server.keepAliveTimeout = 120_000;
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  close(): Promise<void> {
    return new Promise((resolve) => void this.#server.close(() => resolve()).closeAllConnections());
  }

  #reply(response: ServerResponse, reply: Reply): void {
    if (reply === 'silence') return;
    if (reply === 'reset') return void (response.socket as Socket).resetAndDestroy();
    const [status, headers] = typeof reply === 'number' ? [reply, {}] : reply;
    response.writeHead(status, headers).end(status === 204 ? undefined : 'noted, in many words');
  }
}

export type { WebhookReceiver };

export function messageOf(delivery: Delivery): Message {
  return JSON.parse(delivery.body) as Message;
}

function promptOf(delivery: Delivery): string {
  return delivery.body === '' ? '' : (messageOf(delivery).data.input?.prompt ?? '');
}
