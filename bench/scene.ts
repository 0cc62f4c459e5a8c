// The data for the routes: completed videos, one of them large, and running jobs. It is the same for all services, and
// created on first use.
import type { Subject } from './subject.ts';
import type { Upstream } from './upstream.ts';

/** Requests alternate between this many videos. */
const VIDEOS = 16;

export const LARGE_BYTES = 64 * 1024 * 1024;

interface Video {
  id: string;
  status: string;
}

/** The stand-in keeps these jobs in its queue for ever. */
export async function direct(upstream: Upstream): Promise<void> {
  await upstream.script('measured', { holdAt: 'task_queue' });
  await upstream.script('in flight', { holdAt: 'task_start' });
  await upstream.script('large', { output: { bytes: LARGE_BYTES } });
}

export class Scene {
  readonly subject: Subject;
  readonly #upstream: Upstream;
  readonly #made = new Map<string, Promise<string[]>>();

  constructor(subject: Subject, upstream: Upstream) {
    this.subject = subject;
    this.#upstream = upstream;
  }

  completed(): Promise<string[]> {
    return this.#once('completed', async () => this.#ended(await this.#submitted('small', VIDEOS)));
  }

  large(): Promise<string[]> {
    return this.#once('large', async () => this.#ended(await this.#submitted('large', 1)));
  }

  /** Jobs whose objects are active and that do not end. */
  inFlight(): Promise<string[]> {
    return this.#once('in flight', () => this.#submitted('in flight', VIDEOS));
  }

  /** The callback paths of the running jobs. */
  callbacks(): Promise<string[]> {
    return this.#once('callbacks', async () => {
      const ids = await this.inFlight();
      const urls = (await this.#upstream.tasks('in flight')).map(({ callbackUrl }) => new URL(callbackUrl));
      return urls.map(({ pathname }) => pathname).filter((path) => ids.some((id) => path.includes(id)));
    });
  }

  #once(what: string, make: () => Promise<string[]>): Promise<string[]> {
    const made = this.#made.get(what) ?? make();
    this.#made.set(what, made);
    return made;
  }

  #submitted(prompt: string, count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => submit(this.subject, prompt)));
  }

  async #ended(ids: string[]): Promise<string[]> {
    await Promise.all(ids.map((id) => completed(this.subject, id)));
    return ids;
  }
}

export async function submit({ origin }: Subject, prompt: string, headers = {}): Promise<string> {
  const body = JSON.stringify({ prompt });
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
  const response = await fetch(`${origin}/v1/videos`, init);
  if (response.status !== 202) throw new Error(`a submit was answered ${await response.text()}`);
  return ((await response.json()) as Video).id;
}

/** Resolves when the video is completed, by a waiting request without polling. */
export async function completed({ origin }: Subject, id: string, headers = {}): Promise<void> {
  for (;;) {
    const response = await fetch(`${origin}/v1/videos/${id}`, { headers: { prefer: 'wait=60', ...headers } });
    const { status } = (await response.json()) as Video;
    if (status === 'completed') return;
    if (status !== 'queued' && status !== 'in_progress') throw new Error(`a video ended as ${status}`);
  }
}
