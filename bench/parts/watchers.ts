// Watchers of running videos: a thousand of one, six thousand of six hundred; what those that read nothing cost the
// others, and what a watcher costs that comes back.
import { memoryOf, processorTime } from '../process-time.ts';
import { progress } from '../report/progress.ts';
import { median } from '../report/statistics.ts';
import { type Cell, figure, table } from '../report/table.ts';
import type { Subject } from '../subject.ts';
import { Upstream } from '../upstream.ts';
import { Clients } from '../watchers/clients.ts';
import { connectionsHeld } from '../watchers/connections.ts';
import { type Latency, percentile, pooledLatency } from '../watchers/latencies.ts';
import { ARRIVES_MS, type Round, round, withSubject } from '../watchers/round.ts';
import { direct, STAGES, Watched } from '../watchers/watched.ts';

export interface WatcherCounts {
  /** Watchers of one video, in rows. */
  ofOne: number[];
  /** Of the most watchers of one, those that read nothing. */
  idle: number;
  videos: number;
  ofEach: number;
  rounds: number;
}

/** A workerd has 25 files open for each video with ten watchers, and 20,000 is a usual limit. */
const FULL: WatcherCounts = { ofOne: [1, 100, 1000], idle: 100, videos: 600, ofEach: 10, rounds: 3 };

const MIB = 1024 * 1024;
const KIB = 1024;
const SPEED = 600;
/** Between the causes of events of different videos. */
const PAUSE_MS = 20;
/** For how long after the end those that read nothing may stay connected. */
const CUT_WITHIN_MS = 90_000;

export async function watchers(counts = FULL): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    const sections = [
      await manyOfOne(upstream, counts),
      await held(upstream, counts),
      await someIdle(upstream, counts),
      await comeBack(upstream, counts),
      await oneMore(upstream, counts),
      await ofMany(upstream, counts),
    ];
    return sections.join('\n\n');
  } finally {
    await upstream.stop();
  }
}

async function manyOfOne(upstream: Upstream, { ofOne, rounds }: WatcherCounts): Promise<string> {
  return withSubject(upstream, async (subject) => {
    const all = ofOne.map((): Round[] => []);
    for (let turn = -1; turn < rounds; turn++) {
      for (const [at, count] of ofOne.entries()) {
        const taken = await round(subject, upstream, { manner: 'quiet', reading: count, idle: 0 });
        // The first round warms up.
        if (turn >= 0) all[at]?.push(taken);
        progress(`${count} of one: ${described(taken)}`);
      }
    }
    const rows = ofOne.map((count, at) => [
      count.toLocaleString('en-US'),
      ...latencyCells(all[at] ?? [], ({ latency }) => latency),
      ...latencyCells(all[at] ?? [], ({ end }) => end).slice(0, 3),
      middle(all[at] ?? [], ({ processorMicros }) => processorMicros),
      middle(all[at] ?? [], ({ grown }) => grown / MIB),
    ]);
    const header = [
      'watchers of one video',
      'event p50 ms',
      'p99',
      'last',
      'received',
      'end p50 ms',
      'p99',
      'last',
      'CPU µs an event and watcher',
      'resident MiB more',
    ];
    return table(header, rows);
  });
}

/** The memory for watchers of one video that wait for its next event. */
async function held(upstream: Upstream, { ofOne }: WatcherCounts): Promise<string> {
  const rows: Cell[][] = [];
  for (const count of ofOne) {
    const row = await withSubject(
      upstream,
      async (subject) => {
        const watched = await Watched.start(subject, upstream, 'quiet', 1);
        const clients = new Clients();
        const measured = async () => ({
          heap: await subject.heap(),
          wasm: await subject.wasmMemory(),
        });
        try {
          const before = await measured();
          const ids = Array(count).fill(watched.ids[0]);
          await clients.open({ origin: subject.origin, ids, reads: true });
          await watched.goOn(STAGES[0]);
          await clients.received(STAGES[0] ?? '', ARRIVES_MS);
          const after = await measured();
          const { open } = await clients.state();
          return [
            count.toLocaleString('en-US'),
            open.toLocaleString('en-US'),
            ((after.heap - before.heap) / KIB / count).toFixed(1),
            mib(before.wasm),
            mib(after.wasm),
          ];
        } finally {
          await clients.stop();
        }
      },
      { hasInspector: true },
    );
    progress(`memory: ${row.join(' | ')}`);
    rows.push(row);
  }
  const header = ['watchers of one video', 'stay open', 'heap KiB each', 'wasm MiB before', 'after'];
  return table(header, rows);
}

/** With and without watchers that read nothing, in turn. */
async function someIdle(upstream: Upstream, { ofOne, idle, rounds }: WatcherCounts): Promise<string> {
  const reading = (ofOne.at(-1) ?? 0) - idle;
  return withSubject(upstream, async (subject) => {
    const all: [number, Round[]][] = [
      [0, []],
      [idle, []],
    ];
    for (let turn = -1; turn < rounds; turn++) {
      for (const [count, taken] of turn % 2 === 0 ? all : all.toReversed()) {
        const one = await round(subject, upstream, { manner: 'chatty', reading, idle: count });
        if (turn >= 0) taken.push(one);
        progress(`${reading} read, ${count} do not: ${described(one)}`);
      }
    }
    const rows = all.map(([count, taken]) => [
      `${reading} read, ${count} do not`,
      ...latencyCells(taken, ({ latency }) => latency),
      ...latencyCells(taken, ({ end }) => end).slice(0, 3),
      middle(taken, ({ grown }) => grown / MIB),
    ]);
    const cut = await cutOff(subject, upstream, idle);
    const header = [
      'watchers, a job of hundreds of lines',
      'event p50 ms',
      'p99',
      'last',
      'received',
      'end p50 ms',
      'p99',
      'last',
      'resident MiB more',
    ];
    return [table(header, rows), cut].join('\n\n');
  });
}

/** When those that read nothing are disconnected. */
async function cutOff(subject: Subject, upstream: Upstream, idle: number): Promise<string> {
  const port = Number(new URL(subject.origin).port);
  let text = '';
  await round(subject, upstream, { manner: 'chatty', reading: 1, idle }, async (clients) => {
    const began = performance.now();
    const { idlePorts } = await clients.state();
    let held = connectionsHeld(port, idlePorts);
    while (held > 0 && performance.now() - began < CUT_WITHIN_MS) {
      await sleep(200);
      held = connectionsHeld(port, idlePorts);
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    text = `Of ${idle} that read nothing, ${held} are still connected ${seconds} s after the end of the video.`;
  });
  progress(text);
  return text;
}

/** All watchers of a video but one leave, miss an event, and come back behind their last one. */
async function comeBack(upstream: Upstream, { ofOne, rounds }: WatcherCounts): Promise<string> {
  const count = ofOne.at(-1) ?? 0;
  return withSubject(upstream, async (subject) => {
    const watched = await Watched.start(subject, upstream, 'quiet', 1);
    const [staying, leaving] = [new Clients(), new Clients()];
    const { origin } = subject;
    const [id = ''] = watched.ids;
    const goOn = async (stage: string) => {
      await watched.goOn(stage);
      await staying.received(stage, ARRIVES_MS);
    };
    const all: { p50: number; p99: number; processorMs: number }[] = [];
    try {
      await staying.open({ origin, ids: [id], reads: true });
      await leaving.open({ origin, ids: Array(count - 1).fill(id), reads: true });
      // The first round warms up.
      for (const stage of STAGES.slice(0, 1 + rounds)) {
        await leaving.leave();
        await goOn(stage);
        const used = processorTime(subject.pid);
        const times = (await leaving.resumed()).sort((a, b) => a - b);
        const processorMs = (processorTime(subject.pid) - used) / times.length;
        all.push({ p50: percentile(times, 0.5), p99: percentile(times, 0.99), processorMs });
        progress(`${times.length} come back: p50 ${figure(all.at(-1)?.p50 ?? Number.NaN)} ms`);
      }
    } finally {
      await Promise.all([staying.stop(), leaving.stop()]);
    }
    const taken = all.slice(1);
    const row = [
      `${count - 1} come back, 50 at a time`,
      middle(taken, ({ p50 }) => p50),
      middle(taken, ({ p99 }) => p99),
      middle(taken, ({ processorMs }) => processorMs),
    ];
    return table(['', 'first event p50 ms', 'p99', 'CPU ms each'], [row]);
  });
}

/** What one more watcher gets when a video has the most that it admits. */
async function oneMore(upstream: Upstream, { ofOne }: WatcherCounts): Promise<string> {
  const count = ofOne.at(-1) ?? 0;
  return withSubject(upstream, async (subject) => {
    const watched = await Watched.start(subject, upstream, 'quiet', 1);
    const [first, more] = [new Clients(), new Clients()];
    const { origin } = subject;
    const [id = ''] = watched.ids;
    try {
      await first.open({ origin, ids: Array(count).fill(id), reads: true });
      await watched.goOn(STAGES[0]);
      await first.received(STAGES[0] ?? '', ARRIVES_MS);
      const before = (await first.state()).open;
      await more.open({ origin, ids: [id], reads: true });
      const [{ open: after }, { statuses }] = [await first.state(), await more.state()];
      const [status] = Object.keys(statuses);
      return `Of ${count} watchers of one video ${before} stay connected. One more is answered ${status}; then ${after} of the others are left.`;
    } finally {
      await Promise.all([first.stop(), more.stop()]);
    }
  });
}

/** Many videos, which are not checked meanwhile, with a few watchers each; their events come one after the other, and then all at once. */
async function ofMany(upstream: Upstream, { videos, ofEach }: WatcherCounts): Promise<string> {
  return withSubject(
    upstream,
    async (subject) => {
      const watched = await Watched.start(subject, upstream, 'quiet', videos);
      const clients = new Clients();
      try {
        const before = { resident: memoryOf(subject.pid).resident, wasm: await subject.wasmMemory() };
        const ids = watched.ids.flatMap((id) => Array(ofEach).fill(id) as string[]);
        progress(`${ids.length} watchers open their streams`);
        await clients.open({ origin: subject.origin, ids, reads: true });
        const rows: Cell[][] = [];
        const [warmUp = '', inTurn = '', atOnce = ''] = STAGES;
        const step = async (name: string, stage: string, pauseMs: number) => {
          const used = processorTime(subject.pid);
          await watched.goOn(stage, pauseMs);
          await clients.received(stage, ARRIVES_MS);
          const causeOf = await watched.causes();
          const taken = await clients.taken();
          const latency = pooledLatency(
            taken.filter((receipts) => receipts.stage === stage),
            causeOf,
          );
          const processorMicros = ((processorTime(subject.pid) - used) * 1000) / latency.received;
          rows.push([name, ...latencyCells([{ latency }], (row) => row.latency), figure(processorMicros)]);
          progress(rows.at(-1)?.join(' | ') ?? '');
        };
        await step('', warmUp, 0);
        rows.length = 0;
        await step(`${1000 / PAUSE_MS} events a second`, inTurn, PAUSE_MS);
        await step('all events at once', atOnce, 0);
        const { open } = await clients.state();
        const { resident } = memoryOf(subject.pid);
        const header = [
          `${ids.length.toLocaleString('en-US')} watchers of ${videos.toLocaleString('en-US')} videos`,
          'event p50 ms',
          'p99',
          'last',
          'received',
          'CPU µs an event and watcher',
        ];
        const each = ((resident - before.resident) / KIB / ids.length).toFixed(1);
        const memory = `${open.toLocaleString('en-US')} stay connected; ${each} KiB resident each, with their share of the object; wasm memory ${mib(before.wasm)} → ${mib(await subject.wasmMemory())} MiB.`;
        return [table(header, rows), memory].join('\n\n');
      } finally {
        await clients.stop();
      }
    },
    { vars: { POLL_SECONDS: '3600' } },
  );
}

function latencyCells<T>(rounds: T[], pick: (round: T) => Latency): string[] {
  const received = median(rounds.map((taken) => pick(taken).received));
  return [
    middle(rounds, (taken) => pick(taken).p50),
    middle(rounds, (taken) => pick(taken).p99),
    middle(rounds, (taken) => pick(taken).max),
    received.toLocaleString('en-US'),
  ];
}

function middle<T>(rounds: T[], pick: (round: T) => number): string {
  return figure(median(rounds.map(pick)));
}

function described({ latency, end, processorMicros, grown }: Round): string {
  const ms = ({ p50, p99, max }: Latency) => [p50, p99, max].map(figure).join('/');
  return `events ${ms(latency)} ms, end ${ms(end)} ms, ${figure(processorMicros)} µs, ${latency.received} received, ${mib(grown)} MiB`;
}

const mib = (bytes: number) => (bytes / MIB).toFixed(1);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
