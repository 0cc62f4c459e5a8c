// The delay that the Worker adds: from Wiro's end of a job to the completed Video, and at the submit.
import { setTimeout } from 'node:timers/promises';
import { type Both, both, compared, interleaved, withPair } from '../pair.ts';
import { progress } from '../report/progress.ts';
import { median } from '../report/statistics.ts';
import { type Cell, figure, table } from '../report/table.ts';
import { completed, submit } from '../scene.ts';
import type { Subject } from '../subject.ts';
import { Upstream, type UpstreamTask } from '../upstream.ts';

const ROUNDS = 9;
/** Without a callback a check finds the end. */
const POLL_SECONDS = 1;
const SPEED = 600;
/** For a second after a check, callbacks cause none. Real jobs never end this soon. */
const YOUTH_MS = 1100;
const LOOK_MS = 20;

export async function latencies(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await upstream.script('with callback', { holdAt: 'task_postprocess_start' });
    await upstream.script('without callback', { holdAt: 'task_postprocess_start', callback: { lost: true } });
    await upstream.script('submit', { holdAt: 'task_queue' });
    const rows: Cell[][] = [];
    await withPair(upstream, {}, async (pair) => {
      rows.push(await endings('with callback', pair, upstream));
      rows.push(await submits(pair, upstream));
    });
    const vars = { POLL_SECONDS: `${POLL_SECONDS}` };
    await withPair(upstream, { vars }, async (pair) => {
      rows.push(await endings('without callback', pair, upstream));
    });
    return [table(['', 'ms Rust', 'JS', 'ratio'], rows), NOTE].join('\n\n');
  } finally {
    await upstream.stop();
  }
}

const NOTE = `The video has 50 kB. Without a callback Wiro is asked every ${POLL_SECONDS} s here, so that half of that is the wait for the next check.`;

async function endings(prompt: string, pair: Both<Subject>, upstream: Upstream): Promise<Cell[]> {
  progress(`from done to completed, ${prompt}`);
  await both((kind) => ending(prompt, pair[kind], upstream));
  const all = await interleaved(ROUNDS, (kind) => ending(prompt, pair[kind], upstream));
  return [`done → completed, ${prompt}`, ...compared(all, (ms) => ms)];
}

/** Milliseconds from the end at Wiro until a client that waits for it hears of the completed Video. */
async function ending(prompt: string, subject: Subject, upstream: Upstream): Promise<number> {
  const id = await submit(subject, prompt);
  const task = await held(upstream, prompt, id);
  const seen = completed(subject, id).then(() => Date.now());
  await setTimeout(YOUTH_MS);
  await upstream.release(task);
  const completedAt = await seen;
  const [ended] = (await upstream.tasks(prompt)).filter(({ id }) => id === task.id);
  return completedAt - (ended?.history.at(-1)?.at ?? Number.NaN);
}

/** Waits until the job is right before its end. */
async function held(upstream: Upstream, prompt: string, id: string): Promise<UpstreamTask> {
  for (;;) {
    const tasks = await upstream.tasks(prompt);
    const task = tasks.find(({ callbackUrl }) => callbackUrl.includes(id));
    if (task?.status === 'task_postprocess_start') return task;
    await setTimeout(LOOK_MS);
  }
}

/** The additional time of a submit, compared with the same Run sent to Wiro directly. */
async function submits(pair: Both<Subject>, upstream: Upstream): Promise<Cell[]> {
  progress('submit beside Run');
  const run = await runs(upstream);
  const timed = async (subject: Subject) => {
    const began = performance.now();
    await submit(subject, 'submit');
    return performance.now() - began;
  };
  await both((kind) => timed(pair[kind]));
  const all = await interleaved(ROUNDS * 4, (kind) => timed(pair[kind]));
  const name = `submit, more than the ${figure(run)} ms of Run alone`;
  return [name, ...compared(all, (ms) => ms - run)];
}

/** The usual milliseconds of a Run. */
async function runs(upstream: Upstream): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS * 4; round++) {
    const began = performance.now();
    await upstream.run('submit');
    times.push(performance.now() - began);
  }
  return median(times);
}
