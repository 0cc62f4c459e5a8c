// One video that is made step by step while watchers read its events, and others do not.
import { memoryOf, processorTime } from '../process-time.ts';
import { completed, submit } from '../scene.ts';
import { type Subject, type SubjectOptions, startSubject } from '../subject.ts';
import type { Upstream } from '../upstream.ts';
import { Clients } from './clients.ts';
import { type Latency, latencyOf } from './latencies.ts';
import { type Manner, STEPS, Watched } from './watched.ts';

export const ARRIVES_MS = 60_000;

export interface Crowd {
  manner: Manner;
  reading: number;
  /** Those that read nothing. */
  idle: number;
}

export interface Round {
  latency: Latency;
  /** Of the last event, from the end of the job. */
  end: Latency;
  /** Of workerd, for each stage that a watcher received, in microseconds. */
  processorMicros: number;
  /** Bytes that workerd grew by from the first watcher to the last event. */
  grown: number;
}

/** Calls `after` when the video has ended, before the watchers leave. */
export async function round(
  subject: Subject,
  upstream: Upstream,
  { manner, reading, idle }: Crowd,
  after: (clients: Clients) => Promise<void> = async () => {},
): Promise<Round> {
  const watched = await Watched.start(subject, upstream, manner, 1);
  const clients = new Clients();
  const [id = ''] = watched.ids;
  const { origin, pid } = subject;
  try {
    const before = memoryOf(pid).resident;
    await clients.open({ origin, ids: Array(idle).fill(id), reads: false });
    await clients.open({ origin, ids: Array(reading).fill(id), reads: true });
    const [first, ...steps] = STEPS[manner];
    const step = async ({ holdAt, stage }: { holdAt: string; stage: string }) => {
      await watched.goOn(holdAt);
      await clients.received(stage, ARRIVES_MS);
    };
    // The Worker follows the job at Wiro from its first event on.
    if (first) await step(first);
    await clients.taken();
    const used = processorTime(pid);
    for (const next of steps) await step(next);
    const processorMs = processorTime(pid) - used;
    const staged = (await clients.taken()).filter((receipts) =>
      steps.some(({ stage }) => stage === receipts.stage),
    );
    await watched.goOn(undefined);
    await clients.received('completed', ARRIVES_MS);
    const ended = (await clients.taken()).filter(({ stage }) => stage === 'completed');
    const grown = memoryOf(pid).resident - before;
    const causeOf = await watched.causes();
    const latency = latencyOf(staged, causeOf);
    await watched.completed();
    await after(clients);
    const processorMicros = (processorMs * 1000) / Math.max(1, latency.received);
    return { latency, end: latencyOf(ended, causeOf), processorMicros, grown };
  } finally {
    await clients.stop();
  }
}

/** An end is found by a check if it follows another one too soon to cause one. */
const POLL_SECONDS = '2';

/** A Worker of its own, warmed up by one video. */
export async function withSubject<T>(
  upstream: Upstream,
  measure: (subject: Subject) => Promise<T>,
  options: SubjectOptions = {},
): Promise<T> {
  const subject = await startSubject('rust', upstream, { vars: { POLL_SECONDS }, ...options });
  try {
    await completed(subject, await submit(subject, 'warm up'));
    return await measure(subject);
  } finally {
    await subject.stop();
  }
}
