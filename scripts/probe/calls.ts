// Signed calls to Wiro, which are all recorded.
import { randomInt } from 'node:crypto';
import { reasonOf } from '../shared/reason.ts';
import { askCrate, type CallMeaning, type Form, formBody } from './crate.ts';
import type { Report } from './report.ts';
import type { ProbeSettings } from './settings.ts';

const TIMEOUT_MS = 60_000;
const NONCES = 100;
const LARGEST_NONCE = 2 ** 48 - 1;

/** `status` 0: no answer. */
export interface Http {
  status: number;
  body: string;
}

export class Calls {
  readonly #settings: ProbeSettings;
  readonly #report: Report;
  #headers: Record<string, string>[] = [];

  constructor(settings: ProbeSettings, report: Report) {
    this.#settings = settings;
    this.#report = report;
  }

  json(path: string, body: string): Promise<Http> {
    return this.#post(path, body, 'application/json', JSON.parse(body));
  }

  form(path: string, form: Form, file: Uint8Array<ArrayBuffer>): Promise<Http> {
    return this.#post(path, formBody(form, file), form.content_type, { fields: namesIn(form) });
  }

  async #post(path: string, body: string | Blob, contentType: string, sent: object): Promise<Http> {
    const headers = { ...(await this.#sign()), 'content-type': contentType };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const response = await fetch(this.#settings.apiUrl + path, {
        method: 'POST',
        headers,
        body,
        signal,
        redirect: 'manual',
      });
      const http = { status: response.status, body: await response.text() };
      this.#report.record(path, sent, http.status, http.body);
      return http;
    } catch (error) {
      this.#report.record(path, sent, `no answer: ${reasonOf(error)}`, '');
      return { status: 0, body: reasonOf(error) };
    }
  }

  async #sign(): Promise<Record<string, string>> {
    if (this.#headers.length === 0) {
      const { key, secret } = this.#settings;
      const nonces = Array.from({ length: NONCES }, () => randomInt(LARGEST_NONCE));
      this.#headers = await askCrate({ do: 'headers', key, secret, nonces });
    }
    return this.#headers.pop() ?? {};
  }
}

function namesIn({ texts }: Form): string[] {
  return [...texts.join('').matchAll(/form-data; name="([^"]*)"/g)].map(([, name]) => name ?? '');
}

/** The problem with key, secret or account; undefined if the call was accepted. */
export async function refusalOf(http: Http, settings: ProbeSettings): Promise<string | undefined> {
  if (http.status === 0) return `Wiro cannot be reached at ${new URL(settings.apiUrl).host}: ${http.body}`;
  const meaning = await askCrate<CallMeaning>({ do: 'read_call', http });
  if (meaning.ok) return undefined;
  const { problem, reason = '', advice } = meaning;
  if (problem !== 'Authentication') return `${advice ?? problem} (${reason})`;
  return `${authenticationAdvice(reason, settings.secret !== '')} (${reason})`;
}

/** Decided by Wiro's texts; the Worker does not distinguish them. */
function authenticationAdvice(reason: string, hasSecret: boolean): string {
  if (/not found/i.test(reason)) return 'wrong key: Wiro knows no project with this WIRO_API_KEY';
  if (/requires signature/i.test(reason))
    return 'no secret: this project signs its calls; set WIRO_API_SECRET';
  if (/is not valid/i.test(reason) && hasSecret)
    return 'wrong secret: WIRO_API_SECRET does not belong to this key';
  return 'Wiro refuses key or signature: check WIRO_API_KEY, WIRO_API_SECRET and the permissions of the project';
}
