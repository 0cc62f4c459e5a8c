// A correct client: it submits with an Idempotency-Key, polls until the video has ended, and retries after broken
// connections.
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { reasonOf } from '../shared/reason.ts';
import type { Video } from '../shared/video-client.ts';
import type { Job } from './plan.ts';

/** A job that has not ended this long after its first submit is stuck. */
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 500;
const RETRY_EVERY_MS = 250;
/** A submit waits at most 25 s for the answer to its Run. */
const ANSWERED_WITHIN_MS = 60_000;

/** What the client of a job saw: how it ended, its refusal (the error code), or an error. */
export type Outcome = { video: Video } | { refusedWith: string } | { stuckAt: string } | { wrong: string };

interface Answer {
  status: number;
  body: string;
}

/** Submits a job and follows it to its end. A job that is sent twice must end equally for both. */
export async function carry(origin: string, job: Job): Promise<Outcome> {
  const first = carryOnce(origin, job);
  const second = job.isSentTwice ? carryOnce(origin, job) : first;
  const outcomes = await Promise.all([first, second]);
  if (isDeepStrictEqual(...outcomes)) return outcomes[0];
  return { wrong: `two clients saw ${outcomes.map((outcome) => JSON.stringify(outcome)).join(' and ')}` };
}

async function carryOnce(origin: string, job: Job): Promise<Outcome> {
  const deadline = performance.now() + PATIENCE_MS;
  try {
    const { status, body } = await persistently(deadline, `${origin}/v1/videos`, submitOf(job));
    if (status === 422 || status === 503) return { refusedWith: JSON.parse(body).code };
    if (status !== 202) return { wrong: `the submit was answered ${status}: ${body}` };
    return await follow(JSON.parse(body), deadline);
  } catch (error) {
    return { wrong: reasonOf(error) };
  }
}

export function hasEnded({ status }: Video): boolean {
  return status !== 'queued' && status !== 'in_progress';
}

function submitOf({ prompt, idempotencyKey, picture }: Job): RequestInit {
  const headers = { 'idempotency-key': idempotencyKey };
  if (picture === undefined || typeof picture === 'string') {
    const json = { ...headers, 'content-type': 'application/json' };
    return { method: 'POST', headers: json, body: JSON.stringify({ prompt, inputImageFirstUrl: picture }) };
  }
  const form = new FormData();
  form.set('prompt', prompt);
  form.set('inputImageFirst', new Blob([picture], { type: 'image/png' }), 'first.png');
  return { method: 'POST', headers, body: form };
}

async function follow(accepted: Video, deadline: number): Promise<Outcome> {
  let video = accepted;
  while (!hasEnded(video)) {
    if (performance.now() > deadline) return { stuckAt: video.stage };
    await pause(LOOK_EVERY_MS);
    const { status, body } = await persistently(deadline, video.urls.self);
    if (status !== 200) return { wrong: `asked for, it was answered ${status}: ${body}` };
    video = JSON.parse(body);
  }
  return { video };
}

/** Sends a request until it is answered in full. */
async function persistently(deadline: number, url: string, init: RequestInit = {}): Promise<Answer> {
  for (;;) {
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      // `fetch` throws this if a connection is refused or breaks.
      if (!(error instanceof TypeError) || performance.now() > deadline) throw error;
      await pause(RETRY_EVERY_MS);
    }
  }
}
