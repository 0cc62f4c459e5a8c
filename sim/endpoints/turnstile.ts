// Turnstile's verifier, as in Cloudflare's documentation: a token is valid once and for five minutes, and the
// response names the page on which the challenge was solved.
import { randomBytes } from 'node:crypto';
import type { CallLog } from '../calls.ts';
import type { FaultBook } from '../faults.ts';
import { type Exchange, isAfterProcessing, sendFault, sendJson } from './exchange.ts';
import { readBody } from './form.ts';

export const TURNSTILE_SECRET = 'sim-turnstile-2d7e90b4c6f1583a';
export const SITEVERIFY_PATH = '/turnstile/v0/siteverify';

const MAX_TOKEN_CHARS = 2048;
const TOKEN_LIFE_MS = 300_000;

export interface Solved {
  /** The host of the page with the widget. */
  hostname: string;
  /** The widget's action; default `submit`. */
  action?: string;
  /** Unix milliseconds; default now. */
  at?: number;
}

interface Challenge extends Required<Solved> {
  /** The first `idempotency_key`; null for a request without one, undefined before the first request. */
  verifiedWith?: string | null;
}

type Verdict = { success: boolean; 'error-codes': string[] } & Record<string, unknown>;

export class Turnstile {
  readonly #challenges = new Map<string, Challenge>();
  readonly #faults: FaultBook;
  readonly #calls: CallLog;

  constructor(faults: FaultBook, calls: CallLog) {
    this.#faults = faults;
    this.#calls = calls;
  }

  /** Every issued token. */
  get tokens(): string[] {
    return [...this.#challenges.keys()];
  }

  /** Issues the token of a solved challenge. */
  solve({ hostname, action = 'submit', at = Date.now() }: Solved): string {
    const token = `0.${randomBytes(120).toString('base64url')}.${randomBytes(16).toString('hex')}`;
    this.#challenges.set(token, { hostname, action, at });
    return token;
  }

  async serve(exchange: Exchange): Promise<void> {
    const { request, call } = exchange;
    const body = String(await readBody(request));
    const fields = fieldsOf(call.headers['content-type'] ?? '', body);
    if (fields) call.fields = fields;
    this.#calls.taken(call);
    const fault = this.#faults.next('siteverify', '');
    if (fault && !isAfterProcessing(fault)) return sendFault(exchange, fault);
    const verdict = request.method === 'POST' && fields ? this.#verify(fields) : failed('bad-request');
    const [code] = verdict['error-codes'];
    if (code && CLIENT_FAULTS.includes(code)) call.refused = code;
    if (fault) sendFault(exchange, fault, verdict);
    else sendJson(exchange, 200, verdict);
  }

  #verify({ secret, response: token, idempotency_key: key = null }: Record<string, string | null>): Verdict {
    if (!secret) return failed('missing-input-secret');
    if (secret !== TURNSTILE_SECRET) return failed('invalid-input-secret');
    if (!token) return failed('missing-input-response');
    const challenge = this.#challenges.get(token);
    if (!challenge || token.length > MAX_TOKEN_CHARS) return failed('invalid-input-response');
    const isRepeated =
      challenge.verifiedWith !== undefined && (key === null || challenge.verifiedWith !== key);
    if (isRepeated || Date.now() - challenge.at > TOKEN_LIFE_MS) return failed('timeout-or-duplicate');
    challenge.verifiedWith = key;
    const { hostname, action, at } = challenge;
    const challenge_ts = new Date(at).toISOString();
    return { success: true, 'error-codes': [], challenge_ts, hostname, action, cdata: '' };
  }
}

/** Errors that only a faulty client causes. */
const CLIENT_FAULTS = [
  'missing-input-secret',
  'invalid-input-secret',
  'missing-input-response',
  'bad-request',
];

function failed(code: string): Verdict {
  return { success: false, 'error-codes': [code] };
}

/** Parses both documented content types. */
function fieldsOf(contentType: string, body: string): Record<string, string> | undefined {
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType))
    return Object.fromEntries(new URLSearchParams(body));
  if (!/^application\/json\b/i.test(contentType)) return undefined;
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null) return undefined;
    const texts = Object.entries(json).filter(([, value]) => typeof value === 'string');
    return Object.fromEntries(texts);
  } catch {
    return undefined;
  }
}
