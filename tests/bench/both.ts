// Sends the same requests to the Worker and to the reference service, and compares their responses byte by byte, except
// times and random names.
import { afterAll, beforeAll, expect } from 'vitest';
import { KINDS } from '../../bench/pair.ts';
import { type Kind, type Subject, startSubject } from '../../bench/subject.ts';
import { type Sim, startSim } from '../../sim/index.ts';

export interface Side {
  sim: Sim;
  subject: Subject;
}

export const JSON_TYPE = { 'content-type': 'application/json' };
const CLIENTS = JSON.stringify({ alice: 'token-of-alice' });
const ALICE = { authorization: 'Bearer token-of-alice' };

const sides = new Map<Kind, Side>();

/** Starts both for the tests of a file. */
export function startBoth(): void {
  beforeAll(async () => {
    for (const kind of KINDS) {
      const sim = await startSim({ speed: 600 });
      sim.script('held', { holdAt: 'task_start' });
      // The callback decides when a job is checked, in the same way on both sides.
      const subject = await startSubject(
        kind,
        { addresses: sim },
        { vars: { CLIENT_TOKENS: CLIENTS, RETRY_SECONDS: '0.1' } },
      );
      sides.set(kind, { sim, subject });
    }
  });
  afterAll(async () => {
    for (const { sim, subject } of sides.values()) {
      await subject.stop();
      await sim.close();
    }
  });
}

export async function onBoth<T>(ask: (side: Side) => Promise<T>): Promise<[T, T]> {
  const [rust, javascript] = KINDS.map((kind) => ask(sides.get(kind)!));
  return [await rust!, await javascript!];
}

type Init = RequestInit & { headers?: Record<string, string>; duplex?: 'half' };

export function send(
  { subject }: Side,
  path: string,
  { headers = {}, ...init }: Init = {},
): Promise<Response> {
  return fetch(subject.origin + path, { redirect: 'manual', headers: { ...ALICE, ...headers }, ...init });
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** What is there on both sides alike: the connection's own headers, times, random names and origins are not. */
async function answerOf(side: Side, response: Response): Promise<Answer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.includes('json');
  const ours = [...response.headers].filter(
    ([name]) => !['date', 'connection', 'transfer-encoding'].includes(name),
  );
  const headers = ours.map(([name, value]) => [name, masked(side, value, name)]);
  const body = isJson ? maskedJson(side, JSON.parse(bytes.toString())) : bytes.toString('base64');
  return { status: response.status, headers: Object.fromEntries(headers), body };
}

const TIMES = ['created_at', 'started_at', 'completed_at', 'expires_at'];

export function maskedJson(side: Side, value: unknown): unknown {
  // The order of members is compared too.
  return JSON.stringify(value, (name, member) => {
    if (TIMES.includes(name) && typeof member === 'number') return 'a time';
    if (name === 'request_id') return 'a request id';
    if (name === 'progress' && member > 0 && member < 100) return 'a percentage';
    return typeof member === 'string' ? masked(side, member, name) : member;
  });
}

function masked({ subject }: Side, text: string, name: string): string {
  if (name === 'last-modified') return new Date(text).toUTCString() === text ? 'a date' : text;
  return text
    .replaceAll(subject.origin, 'http://worker')
    .replace(/^req_[0-9a-f]{24}$/, 'a request id')
    .replace(/grant=[a-z2-7]{32}/, 'grant=')
    .replace(/vid_[a-z2-7]{40}/g, 'vid_')
    .replace(/^"[0-9a-f]{32}"$/, name === 'etag' ? '"a tag"' : '$&');
}

export async function expectEqual(ask: (side: Side) => Promise<Response>, status: number): Promise<Answer> {
  const [rust, javascript] = await onBoth(async (side) => answerOf(side, await ask(side)));
  expect(javascript).toEqual(rust);
  expect(rust.status).toBe(status);
  return rust;
}

/** The ids on both sides. */
export type Ids = Map<Side, string>;

export async function submitted(prompt: string): Promise<Ids> {
  const entries = await onBoth(async (side): Promise<[Side, string]> => {
    const response = await send(side, '/v1/videos', post(JSON_TYPE, JSON.stringify({ prompt })));
    return [side, ((await response.json()) as { id: string }).id];
  });
  return new Map(entries);
}

export function post(headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>): Init {
  return { method: 'POST', headers, body };
}

export const videoPath = (ids: Ids, side: Side) => `/v1/videos/${ids.get(side)}`;
