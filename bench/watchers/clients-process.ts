// A process of watchers. It is told what to do by messages, each of which it answers once.
import { EventStream } from './stream.ts';

/** Connections that are opened at the same time. */
const OPENING = 50;

const FINAL = 'completed';

export interface OpenOptions {
  origin: string;
  /** One stream for each entry; a video may be listed several times. */
  ids: string[];
  reads: boolean;
}

export type Order =
  | ({ do: 'open' } & OpenOptions)
  /** Wait until so many streams have received this stage or have ended before the video. */
  | { do: 'await'; stage: string; count: number; withinMs: number }
  | { do: 'take' }
  /** Close all connections, to open them again later. */
  | { do: 'leave' }
  /** Open them again behind their last event. */
  | { do: 'resume' }
  | { do: 'state' }
  | { do: 'close' };

/** When the watchers of one video received a stage. */
export interface Receipts {
  id: string;
  stage: string;
  at: number[];
}

export interface State {
  /** How often each status was answered. */
  statuses: Record<string, number>;
  open: number;
  /** The ports of those that do not read. */
  idlePorts: number[];
  /** The processor time of this process in milliseconds. */
  processorMs: number;
}

interface Watcher {
  id: string;
  reads: boolean;
  stream: EventStream;
}

let origin = '';
const watchers: Watcher[] = [];
let receipts = new Map<string, Receipts>();
const counts = new Map<string, number>();
/** Streams that ended before the video. */
let lost = 0;
let onReceipt = () => {};

function started(id: string, reads: boolean, lastEventId?: string): EventStream {
  const onStage = (stage: string, at: number) => {
    const key = `${id} ${stage}`;
    const known = receipts.get(key) ?? { id, stage, at: [] };
    known.at.push(at);
    receipts.set(key, known);
    counts.set(stage, (counts.get(stage) ?? 0) + 1);
    onReceipt();
  };
  const stream = new EventStream({ url: `${origin}/v1/videos/${id}/events`, reads, onStage, lastEventId });
  void stream.ended.then(() => {
    if (reads && stream.stage !== FINAL) lost += 1;
    onReceipt();
  });
  return stream;
}

/** Calls `make` for each item, a few at a time, and waits until all streams have begun. */
async function inTurn<T>(items: T[], make: (item: T) => EventStream): Promise<void> {
  const left = items.values();
  const lane = async () => {
    for (const item of left) await make(item).began;
  };
  await Promise.all(Array.from({ length: OPENING }, lane));
}

async function open(options: OpenOptions): Promise<void> {
  const { reads } = options;
  origin = options.origin;
  await inTurn(options.ids, (id) => {
    const stream = started(id, reads);
    watchers.push({ id, reads, stream });
    return stream;
  });
}

async function leave(): Promise<void> {
  for (const { stream } of watchers) stream.close();
  await Promise.all(watchers.map(({ stream }) => stream.ended));
  lost = 0;
}

/** Milliseconds until each stream had its first event or its end. */
async function resume(): Promise<number[]> {
  const times: number[] = [];
  await inTurn(watchers, (watcher) => {
    const began = performance.now();
    watcher.stream = started(watcher.id, watcher.reads, watcher.stream.lastEventId);
    void watcher.stream.began.then(() => times.push(performance.now() - began));
    return watcher.stream;
  });
  return times;
}

/** Resolves when the condition holds, which is checked with every receipt and end, or after `withinMs`. */
function until(condition: () => boolean, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (holds: boolean) => {
      clearTimeout(timer);
      onReceipt = () => {};
      resolve(holds);
    };
    const timer = setTimeout(finish, withinMs, false);
    onReceipt = () => condition() && finish(true);
    onReceipt();
  });
}

function state(): State {
  const statuses: Record<string, number> = {};
  for (const { stream } of watchers) statuses[stream.status] = (statuses[stream.status] ?? 0) + 1;
  const open = watchers.filter(({ stream }) => stream.isOpen).length;
  const { user, system } = process.cpuUsage();
  const idlePorts = watchers.filter(({ reads }) => !reads).map(({ stream }) => stream.port);
  return { statuses, open, idlePorts, processorMs: (user + system) / 1000 };
}

async function follow(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return open(order);
    case 'await':
      return until(() => (counts.get(order.stage) ?? 0) + lost >= order.count, order.withinMs);
    case 'take': {
      const taken = [...receipts.values()];
      receipts = new Map();
      counts.clear();
      return taken;
    }
    case 'leave':
      return leave();
    case 'resume':
      return resume();
    case 'state':
      return state();
    case 'close':
      await leave();
      watchers.length = 0;
      return undefined;
  }
}

process.on('message', (order: Order) => void follow(order).then((answer) => process.send?.({ answer })));
process.once('disconnect', () => process.exit());
