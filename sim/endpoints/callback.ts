// Callbacks: a POST to the task's callbackUrl when it ends, up to three attempts until the response is exactly 200.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { Clock } from '../clock.ts';
import type { CallbackFault } from '../faults.ts';
import type { Row } from '../row.ts';

// Guess: the attempts of a sister product's callbacks.
const MAX_ATTEMPTS = 3;
const SECONDS_BETWEEN_ATTEMPTS = 2;
const TIMEOUT_MS = 10_000; // in real time: the receiver knows no simulated time
const GARBAGE_BYTES = 1024 * 1024;

export interface CallbackAttempt {
  /** Unix milliseconds. */
  at: number;
  /** The request. */
  sent: { contentType: string; size: number };
  /** The receiver's status; null without a response, and `error` says why. */
  status: number | null;
  body: string;
  error?: string;
}

/** The part of a task that its callbacks need. */
interface CallbackTarget {
  callbackUrl: string;
  recordCallback(attempt: CallbackAttempt): void;
}

interface Payload {
  contentType: string;
  body: string | Uint8Array;
}

export class CallbackSender {
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the last delivery succeeded or was given up. `row` is called for each attempt. */
  async deliver(task: CallbackTarget, row: () => Row, fault: CallbackFault): Promise<void> {
    if (task.callbackUrl === '' || fault.lost) return;
    if (fault.delaySeconds) await this.#clock.pause(fault.delaySeconds);
    for (let delivery = 0; delivery < (fault.times ?? 1); delivery++) {
      await this.#deliverOnce(task, () => payload(row(), fault.body ?? 'detail'));
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #deliverOnce(task: CallbackTarget, make: () => Payload): Promise<void> {
    for (let number = 1; number <= MAX_ATTEMPTS && !this.#closing.signal.aborted; number++) {
      const attempt = await this.#post(task.callbackUrl, make());
      task.recordCallback(attempt);
      if (attempt.status === 200) return;
      if (number < MAX_ATTEMPTS) await this.#clock.pause(SECONDS_BETWEEN_ATTEMPTS);
    }
  }

  async #post(url: string, { contentType, body }: Payload): Promise<CallbackAttempt> {
    const size = Buffer.byteLength(body);
    const attempt = { at: Date.now(), sent: { contentType, size } };
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const headers = { 'content-type': contentType, 'content-length': size };
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    // A new connection: a kept-alive one could be closed before the next attempt.
    const request = url.startsWith('https:') ? https.request : http.request;
    request(url, { method: 'POST', agent: false, headers, signal }, resolve).on('error', reject).end(body);
    try {
      const response = await promise;
      return { ...attempt, status: response.statusCode ?? null, body: await text(response) };
    } catch (error) {
      return { ...attempt, status: null, body: '', error: String(error) };
    }
  }
}

/** Guess: the body of a real callback is not published. */
function payload(row: Row, shape: NonNullable<CallbackFault['body']>): Payload {
  if (typeof shape === 'object') return shape;
  switch (shape) {
    case 'detail':
      return json({ total: '1', errors: [], tasklist: [row], result: true });
    case 'bare':
      return json(row);
    case 'form':
      return { contentType: 'application/x-www-form-urlencoded', body: urlEncoded(row) };
    case 'empty':
      return { contentType: 'application/json', body: '' };
    case 'garbage':
      return { contentType: 'application/octet-stream', body: randomBytes(GARBAGE_BYTES) };
  }
}

function json(body: unknown): Payload {
  return { contentType: 'application/json', body: JSON.stringify(body) };
}

function urlEncoded(row: Row): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(row)) {
    form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return form.toString();
}
