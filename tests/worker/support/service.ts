// The built Worker in workerd with real KV, R2 and Durable Objects, and the stand-in for Wiro. Everything that leaves
// the Worker is recorded and searched for secrets when the service is closed. Tests that kill the process use
// direct.ts.
import { vi } from 'vitest';
import { type Sim, type SimOptions, startSim } from '../../../sim/index.ts';
import { LeakCheck } from './leaks.ts';
import type { MediaStandIn } from './media/stand-in.ts';
import { startWorker } from './runtime.ts';
import { SIGNING_KEY, settingsFor } from './settings.ts';
import { type Bindings, openBindings } from './storage/bindings.ts';
import type { Problem, Video } from './types.ts';

/** What a var may be in a configuration. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export interface ServiceOptions {
  /** Vars in place of the tests' own (settings.ts). */
  vars?: Record<string, Json>;
  /** Secrets in place of the tests' own; an empty string unsets one. */
  secrets?: Record<string, string>;
  sim?: SimOptions;
  /** The folder of the built Worker, in place of `dist`. */
  bundle?: string;
  /** Bound as MEDIA. */
  media?: MediaStandIn;
}

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  return new Service(...(await launch(options)));
}

/** The started parts of a service. */
export async function launch(options: ServiceOptions): Promise<ServiceParts> {
  const sim = await startSim({ speed: 60, ...options.sim });
  const { vars, secrets } = settingsFor(sim, options);
  const { miniflare, origin, logs, evict, sweep } = await startWorker({ ...vars, ...secrets }, options);
  const runtime: Runtime = {
    logs: () => logs,
    objectIds: () => miniflare.listDurableObjectIds('VIDEO_TASK'),
    evict,
    sweep,
    stop: () => miniflare.dispose(),
  };
  return [sim, origin, await openBindings(miniflare), runtime, secretsOf(options)];
}

/** The secrets in the tests' own settings. */
export function secretsOf({ secrets = {} }: ServiceOptions): string[] {
  // Text in quotes after a colon or in a list, except amounts of money.
  const tokens = (secrets.CLIENT_TOKENS ?? '').matchAll(/[:[,]\s*"(?![\d.]+")([^"]+)"(?!\s*:)/g);
  const webhookKeys = (secrets.NOTIFY_SECRET ?? '').split(' ').map((key) => key.replace(/^whsec_/, ''));
  return [SIGNING_KEY, ...webhookKeys, ...[...tokens].map(([, token]) => token ?? '')];
}

export type ServiceParts = [Sim, origin: string, Bindings, Runtime, secrets: string[]];

interface Runtime {
  logs(): string[];
  objectIds(): Promise<string[]>;
  evict(className: 'VideoTask' | 'Dispatcher', name: string): Promise<void>;
  sweep(asOf: Date): Promise<void>;
  stop(): Promise<void>;
}

export class Service {
  readonly sim: Sim;
  /** Where the Worker listens, without a trailing slash. */
  readonly origin: string;
  readonly bindings: Bindings;
  readonly #runtime: Runtime;
  readonly #leaks: LeakCheck;
  /** Headers of every request. */
  readonly headers: Record<string, string>;

  constructor(
    sim: Sim,
    origin: string,
    bindings: Bindings,
    runtime: Runtime,
    secrets: string[] | LeakCheck,
    headers: Record<string, string> = {},
  ) {
    this.sim = sim;
    this.origin = origin;
    this.bindings = bindings;
    this.#runtime = runtime;
    this.#leaks = secrets instanceof LeakCheck ? secrets : new LeakCheck(sim, secrets);
    this.headers = headers;
  }

  /** The same service with this client's token in every request. Close only the service itself. */
  as(token: string): Service {
    return this.saying({ authorization: `Bearer ${token}` });
  }

  /** The same service with these headers in every request. */
  saying(headers: Record<string, string>): Service {
    return new Service(this.sim, this.origin, this.bindings, this.#runtime, this.#leaks, headers);
  }

  cancel(id: string): Promise<Response> {
    return this.fetch(`/v1/videos/${id}/cancel`, { method: 'POST' });
  }

  /** Sends a request without a token to the Worker's socket; keeps the response for the leak check. */
  async fetch(path: string, init?: RequestInit): Promise<Response> {
    const headers = { ...this.headers, ...Object.fromEntries(new Headers(init?.headers)) };
    const response = await fetch(new URL(path, this.origin), { redirect: 'manual', ...init, headers });
    return this.#leaks.keep(response);
  }

  submit(body: object, idempotencyKey?: string): Promise<Response> {
    const key = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const headers = { 'content-type': 'application/json', ...key };
    return this.fetch('/v1/videos', { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Submits a job and expects it to be accepted. */
  async accepted(body: object): Promise<Video> {
    const response = await this.submit(body);
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Video;
  }

  async video(id: string): Promise<Video> {
    const response = await this.fetch(`/v1/videos/${id}`);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Video;
  }

  /** Polls the video, as a client does, until the condition holds, and returns it. */
  async until(
    id: string,
    isSo: (video: Video) => boolean,
    withinMs = 60_000,
    intervalMs = 25,
  ): Promise<Video> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const video = await this.video(id);
      if (isSo(video)) return video;
      if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(video)}`);
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  }

  /** The video once it is completed, failed or cancelled. */
  ended(id: string, withinMs?: number): Promise<Video> {
    // An end lasts, so it cannot be missed: more requests would only take processor time.
    return this.until(id, ({ status }) => !['queued', 'in_progress'].includes(status), withinMs, 100);
  }

  /** The names of all objects that have stored something. */
  objectIds(): Promise<string[]> {
    return this.#runtime.objectIds();
  }

  /**
   * Evicts a video's object from memory, as the runtime may do with an idle object. The runtime waits until its requests
   * and alarms have ended, at most 30 s. This process is blocked during that time, and so is the stand-in: all responses
   * of the stand-in are awaited first, and the test must make sure that the object sends no other request.
   */
  async evict(id: string): Promise<void> {
    await vi.waitUntil(() => this.sim.calls.every(({ status }) => status !== 0), {
      timeout: 30_000,
      interval: 1,
    });
    await this.#runtime.evict('VideoTask', id);
  }

  /** The same for the one dispatcher. */
  evictDispatcher(): Promise<void> {
    return this.#runtime.evict('Dispatcher', 'dispatcher');
  }

  /** Runs the cron trigger as of this time (unix seconds). */
  sweep(asOf: number): Promise<void> {
    return this.#runtime.sweep(new Date(asOf * 1000));
  }

  /** The log lines of the Worker so far. */
  logs(): string[] {
    return this.#runtime.logs();
  }

  /** Stops everything; throws if a secret leaked, the Worker panicked, or Wiro would have refused a call. */
  async close(): Promise<void> {
    try {
      await this.#leaks.check(this.bindings, this.logs());
      const refused = this.sim.rejections().map(({ path, refused }) => `${path}: ${refused}`);
      if (refused.length > 0) throw new Error(`the stand-in refused calls:\n${refused.join('\n')}`);
    } finally {
      await this.#runtime.stop();
      await this.sim.close();
    }
  }
}

/** The body of a failed request. */
export async function problem(response: Response): Promise<Problem> {
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`not a problem: ${response.status} ${await response.text()}`);
  }
  return (await response.json()) as Problem;
}
