// The operator's API as the browser meets it, played with data that a test sets: for states that take long to reach,
// and for responses that the Worker never sends.
import type { BrowserContextOptions, Page, Request, Route } from 'playwright-core';
import { type Scene, useScene } from '../support/browser.ts';
import { OPEN } from '../support/protections.ts';

export const TOKEN = 'operator-token-of-the-tests-5a0f3d9e7c1b';

const NOW = () => Math.floor(Date.now() / 1000);

export const idOf = (number: number) => `vid_${'abcdefghijklmnop'[number % 16]?.repeat(40)}`;

export interface Call {
  method: string;
  /** With the query. */
  path: string;
  body: unknown;
}

type Answer = { status?: number; json?: unknown; body?: string | Buffer; headers?: Record<string, string> };

/** A Video with the members that the page shows. */
export function video(number: number, members: object = {}) {
  return {
    ...{ id: idOf(number), object: 'video', model: 'hailuo-2.3', status: 'queued', stage: 'waiting' },
    ...{ queue_position: null, progress: 0, progress_source: 'none', created_at: NOW() - 60 * number - 5 },
    ...{ started_at: null, completed_at: null, expires_at: null, output: null, cost_usd: null, error: null },
    input: { prompt: `prompt ${number}`, promptOptimizer: true, resolution: '768P', duration: 6 },
    ...{ prompt: `prompt ${number}`, metadata: {}, warnings: [] },
    urls: { self: '', events: '', content: null, download: null, cancel: '' },
    client: 'alice',
    ...members,
  };
}

export type PlayedVideo = ReturnType<typeof video> & Record<string, unknown>;

export function failed(number: number, code: string, members: object = {}) {
  const error = { code, message: 'The words of Wiro.' };
  return video(number, { status: 'failed', stage: 'done', completed_at: NOW() - 60, error, ...members });
}

export function client(name: string, members: object = {}) {
  return {
    ...{ name, source: 'operator', daily_usd: null, max_active: null, paused: false, tokens: 1 },
    ...{ has_webhook_secret: false, created_at: NOW() - 3 * 86_400 - 5 },
    ...{ spent_today_usd: '0', reserved_usd: '0', active: 0 },
    ...members,
  };
}

const figures = (spent_usd: string, failures: Record<string, number> = {}) => ({
  videos: { submitted: 7, completed: 4, failed: 2, cancelled: 1 },
  ...{ seconds: 24, spent_usd, reserved_usd: '0.25', failures },
});

/** The day so many days ago, in UTC. */
export const dayAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

export class OperatorApi {
  /** Every request with the operator's paths. */
  calls: Call[] = [];
  token = TOKEN;
  isPaused = false;
  videos: PlayedVideo[] = [];
  /** What an inspection says besides video and client. */
  inspection: Record<string, unknown> = {
    request_id: 'req_0123456789abcdef01234567',
    upstream: { task_id: '4711', attempts: 3, last_error: 'nothing yet', next_check_at: null },
    deliveries: [],
    next_delivery_at: null,
  };
  clients: ReturnType<typeof client>[] = [];
  health: unknown = {
    ...{ status: 'ok', version: '0.1.0', last_completed_at: NOW() - 125, last_failure: null },
    checks: {
      ...{ kv: { status: 'ok', ms: 3 }, r2: { status: 'ok', ms: 4 }, wiro: { status: 'ok', ms: 120 } },
      dispatcher: {
        ...{ status: 'ok', ms: 2, last_sweep_at: NOW() - 190, waiting: 2, active: 1 },
        ...{ paused: false, circuit: 'closed' },
      },
    },
  };
  usage: Record<string, unknown> = {
    totals: figures('12.50', { upstream_rejected: 3, generation_failed: 1 }),
    today: { spent_usd: '1.12', reserved_usd: '0.25', limit_usd: '5' },
  };
  /** The usage's rows by `group_by`. */
  groups: Record<string, unknown[]> = {
    day: [
      { day: dayAgo(3), ...figures('11.38') },
      { day: dayAgo(0), ...figures('1.12', { upstream_rejected: 2 }) },
    ],
    client: [
      { client: 'alice', ...figures('3.00') },
      { client: null, ...figures('9.50') },
    ],
    model: [{ model: 'hailuo-2.3', ...figures('12.50') }],
  };
  /** Answers in place of the usual ones, by method and path without a query: `POST /operator/pause`. */
  answers = new Map<string, (call: Call) => Answer>();

  async start(page: Page): Promise<void> {
    // The page's own modules have names with an ending.
    const isApi = ({ pathname }: URL) =>
      /^\/(operator\/.+|health)$/.test(pathname) && !/\.(js|css)$/.test(pathname);
    await page.route(isApi, (route, request) => this.#answer(route, request));
  }

  /** The requests that change something. */
  get changes(): Call[] {
    return this.calls.filter(({ method }) => method !== 'GET');
  }

  async #answer(route: Route, request: Request): Promise<void> {
    const url = new URL(request.url());
    const call = { method: request.method(), path: url.pathname + url.search, body: request.postDataJSON() };
    this.calls.push(call);
    const isOperator = request.headers().authorization === `Bearer ${this.token}`;
    const own = this.answers.get(`${call.method} ${url.pathname}`);
    const answer = isOperator ? (own?.(call) ?? this.#usual(call, url)) : problem(401, 'unauthorized');
    // The page may have been closed meanwhile.
    await route.fulfill(answer).catch(() => {});
  }

  #usual(call: Call, { pathname, searchParams }: URL): Answer {
    const [, , kind, name, action] = pathname.split('/');
    const what = `${call.method} ${kind}`;
    if (pathname === '/health') return { json: this.health };
    if (what === 'GET usage') {
      const data = this.groups[searchParams.get('group_by') ?? ''] ?? [];
      return searchParams.get('format') === 'csv'
        ? { body: 'day,client\n', headers: { 'content-type': 'text/csv' } }
        : { json: { object: 'usage', data, ...this.usage } };
    }
    if (what === 'POST pause' || what === 'POST resume') {
      this.isPaused = kind === 'pause';
      return { json: { paused: this.isPaused } };
    }
    if (kind === 'clients') return this.#clients(call, name && decodeURIComponent(name), action);
    if (what === 'GET videos' && name === undefined) return { json: this.#list(searchParams) };
    const found = this.videos.find(({ id }) => id === name);
    if (!found) return problem(404, 'not_found');
    if (call.method === 'GET') return { json: { video: found, client: found.client, ...this.inspection } };
    return this.#change(found, action);
  }

  #list(query: URLSearchParams) {
    const fits = (one: PlayedVideo) =>
      ['status', 'client', 'model'].every((name) => !query.has(name) || query.get(name) === one[name]);
    const newestFirst = this.videos.filter(fits);
    const all = query.get('order') === 'asc' ? newestFirst.toReversed() : newestFirst;
    const after = query.get('after');
    const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const data = all.slice(start, start + Number(query.get('limit') ?? 20));
    const has_more = start + data.length < all.length;
    return {
      object: 'list',
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more,
    };
  }

  #change(found: PlayedVideo, action: string | undefined): Answer {
    if (action === undefined) this.videos = this.videos.filter((one) => one !== found);
    if (action === 'cancel') found.status = 'cancelled';
    if (action === 'redrive') found.status = 'in_progress';
    return { json: action === undefined ? { id: found.id, deleted: true } : found };
  }

  #clients({ method, body }: Call, name: string | undefined, action: string | undefined): Answer {
    if (method === 'GET') return { json: { object: 'list', data: this.clients, paused: this.isPaused } };
    if (name === undefined) {
      const made = client((body as { name: string }).name, { ...(body as object), tokens: 1 });
      this.clients.push(made);
      return { status: 201, json: { ...made, token: 'the-first-token' } };
    }
    const found = this.clients.find((one) => one.name === name);
    if (!found) return problem(404, 'not_found');
    if (action === 'rotate')
      return { json: { ...Object.assign(found, { tokens: 2 }), token: 'the-second-token' } };
    if (method === 'PATCH') return { json: Object.assign(found, body) };
    this.clients = this.clients.filter((one) => one !== found);
    return { json: { name, deleted: true } };
  }
}

export function problem(status: number, code: string, members: object = {}): Answer {
  const detail = `The words for ${code}.`;
  const json = { type: 'about:blank', status, code, detail, request_id: 'req_1', errors: [], ...members };
  return { status, json, headers: { 'content-type': 'application/problem+json' } };
}

/** One service for the group, and for each test a new browser page that has opened the operator's page. */
export function useOperatorScene(options: BrowserContextOptions = {}): Scene {
  return useScene({ sim: { speed: 60 } }, options, OPEN, '/operator');
}

/** Signs in on the opened page. */
export async function signIn(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel('Operator token').fill(token);
  await page.getByRole('button', { name: 'Open' }).click();
  await loaded(page);
}

/** Every part has been read once. */
export async function loaded(page: Page): Promise<void> {
  await page.locator('#read-at').getByText('As of').waitFor({ state: 'attached' });
}
