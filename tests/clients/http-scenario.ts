// The scenario with a plain HTTP client: whatever can send a request and read an answer.
import { createHash } from 'node:crypto';
import type { Video } from '../worker/support/types.ts';
import type { Report, SeenError, Target } from './scenario.ts';

export interface Outgoing {
  method: string;
  url: string;
  headers: Record<string, string>;
  json?: object;
  /** Fields; `{ path }` is a PNG file. */
  form?: Record<string, string | { path: string }>;
  /** Send it again, with all its headers, where the connection breaks. */
  retries?: boolean;
}

export interface Incoming {
  status: number;
  body: Buffer;
}

export type Send = (request: Outgoing) => Promise<Incoming>;

const POLL_MS = 50;

export async function httpScenario(send: Send, target: Target): Promise<Report> {
  const api = new PlainClient(send, target);
  const text = await api.submitted({ json: { prompt: target.prompt, resolution: '1080P' } });
  const form = { prompt: `${target.prompt}, from a file`, inputImageFirst: { path: target.image } };
  const file = await api.submitted({ form });
  const link = await api.submitted({
    form: { prompt: `${target.prompt}, from a link`, 'input_reference[image_url]': target.link },
  });
  // The stream ends with the video.
  const events = (await api.call('GET', `/videos/${text.id}/events`)).body.toString();
  const last = events.split('\n').findLast((line) => line.startsWith('data: ')) ?? '';
  const { status, prompt } = JSON.parse(last.slice('data: '.length));
  const statuses = [];
  for (const { id } of [text, file, link]) statuses.push((await api.ended(id)).status);
  const content = await api.call('GET', `/videos/${text.id}/content`);
  const part = await api.call('GET', `/videos/${text.id}/content`, { headers: { range: 'bytes=100-199' } });
  const listed = await api.listed();
  const { deleted } = await api.json('DELETE', `/videos/${link.id}`);
  const gone = await api.call('GET', `/videos/${link.id}`);
  return {
    statuses,
    lastEvent: { status, prompt },
    sha256: createHash('sha256').update(content.body).digest('hex'),
    part: part.body.toString('hex'),
    listed,
    made: [text.id, file.id, link.id],
    deleted: [deleted, gone.status],
    errors: {
      field: await api.refused({ prompt: target.prompt, seconds: 7 }),
      token: await api.refused({ prompt: target.prompt }, 'nobody-s-token'),
      budget: await api.refused({ prompt: target.prompt }, target.tokenWithoutBudget),
      model: await api.refused({ prompt: target.prompt, model: 'sora-2' }),
    },
    recoveredLostAnswer: await api.recoversLostAnswer(`${target.prompt}, lost`),
  };
}

class PlainClient {
  readonly #send: Send;
  readonly #target: Target;

  constructor(send: Send, target: Target) {
    this.#send = send;
    this.#target = target;
  }

  call(method: string, path: string, { headers, ...rest }: Partial<Outgoing> = {}): Promise<Incoming> {
    const authorization = `Bearer ${this.#target.token}`;
    return this.#send({
      method,
      url: `${this.#target.base}${path}`,
      headers: { authorization, ...headers },
      ...rest,
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the answer is
  async json(method: string, path: string, rest: Partial<Outgoing> = {}): Promise<any> {
    return JSON.parse((await this.call(method, path, rest)).body.toString());
  }

  submitted(body: Pick<Outgoing, 'json' | 'form'>): Promise<Video> {
    return this.json('POST', '/videos', body);
  }

  /** Asks again and again, as a client does. */
  async ended(id: string): Promise<Video> {
    for (;;) {
      const video: Video = await this.json('GET', `/videos/${id}`);
      if (video.status !== 'queued' && video.status !== 'in_progress') return video;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async listed(): Promise<string[]> {
    const ids: string[] = [];
    for (let after = ''; ; ) {
      const page = await this.json('GET', `/videos?limit=2${after && `&after=${after}`}`);
      ids.push(...page.data.map(({ id }: Video) => id));
      if (!page.has_more) return ids;
      after = page.last_id;
    }
  }

  async refused(json: object, token = this.#target.token): Promise<SeenError> {
    const headers = { authorization: `Bearer ${token}` };
    const { status, body } = await this.call('POST', '/videos', { json, headers });
    const { code, param } = JSON.parse(body.toString()).error;
    return [status, code, param];
  }

  async recoversLostAnswer(prompt: string): Promise<boolean> {
    const headers = {
      authorization: `Bearer ${this.#target.token}`,
      'idempotency-key': prompt.replaceAll(/\W/g, '-'),
    };
    const url = `${this.#target.lossyBase}/videos`;
    const answer = await this.#send({ method: 'POST', url, headers, json: { prompt }, retries: true });
    return answer.status === 202;
  }
}
