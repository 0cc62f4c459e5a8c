// Many subscribers of one video, some of which do not read: they do not delay each other or the job.
import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { type BareService, startBare } from '../support/bare.ts';
import { type Watch, watch } from '../support/event-source.ts';

const READING = 180;
const NOT_READING = 20;
const MIB = 2 ** 20;
/** The number of groups of watchers, one after the other. */
const ROUNDS = 4;
/** The largest growth of memory by a later group; the first takes about 180 MiB. */
const MAX_LATER_GROWTH_MIB = 75;
/** The messages that the stand-in sends before the one event of a queued job. */
const LINES_IN_THE_QUEUE = 15;

let service: BareService;
beforeAll(async () => {
  // Events before the end can only come from the socket.
  service = await startBare({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30 } });
});
afterAll(() => service.close());

/** A job with hundreds of lines of output, at Wiro until it is released. */
async function waiting(prompt: string): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: 'task_queue', socket: 'chatty' });
  const { id } = await service.accepted({ prompt });
  return { id, task: await service.sim.waitForTask(prompt) };
}

/** Reads the head of the response and nothing more. */
function notReading(id: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(`${service.origin}/v1/videos/${id}/events`, { agent: false }, (response) => {
      response.on('error', () => {});
      resolve(response.pause());
    });
    request.once('error', reject);
  });
}

/** Starts watching when the socket has sent everything before the release, so that all watchers start equally. */
async function watchedFirst(id: string): Promise<Watch> {
  const first = await watch(service, id);
  const lines = () => first.events.filter(({ event }) => event === 'log').length;
  await expect.poll(lines, { timeout: 30_000 }).toBe(LINES_IN_THE_QUEUE);
  return first;
}

/** Milliseconds from the release to the end. */
async function timed(id: string, task: SimTask): Promise<number> {
  const start = performance.now();
  service.sim.release(task);
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  return performance.now() - start;
}

interface Crowd {
  /** Of the job, from its release to its end. */
  milliseconds: number;
  /** The growth of workerd's memory meanwhile. */
  bytes: number;
}

/** One job with many watchers; each must receive the same events, and every event after all have connected. */
async function watchedBy(reading: number, idling: number): Promise<Crowd> {
  const { id, task } = await waiting(`a comet for ${reading} and ${idling}, ${randomUUID()}`);
  await watchedFirst(id);
  const idle = await Promise.all(Array.from({ length: idling }, () => notReading(id)));
  const watches = await Promise.all(Array.from({ length: reading }, () => watch(service, id)));
  const before = service.resident();
  const milliseconds = await timed(id, task);
  await Promise.all(watches.map(({ ended }) => ended));
  const bytes = service.resident() - before;
  for (const response of idle) response.destroy();

  // A stream begins with the current Video and the lines so far. Only what follows them is the same for all.
  const came = Math.max(...watches.map(({ events }) => events[1 + LINES_IN_THE_QUEUE]?.id ?? Number.NaN));
  const [first, ...others] = watches.map(({ events }) => events.filter((event) => event.id >= came));
  expect(first?.length).toBeGreaterThan(300);
  expect(first?.at(-1)?.data).toEqual(await service.video(id));
  const firstText = JSON.stringify(first);
  for (const events of others) expect(JSON.stringify(events) === firstText).toBe(true);
  return { milliseconds, bytes };
}

test(`${READING} subscribers read, ${NOT_READING} do not`, async () => {
  const alone = await watchedBy(1, 0);
  const crowds: Crowd[] = [];
  for (let round = 0; round < ROUNDS; round++) crowds.push(await watchedBy(READING, NOT_READING));

  const ratios = crowds.map(({ milliseconds }) => (milliseconds / alone.milliseconds).toFixed(2));
  const growth = crowds.map(({ bytes }) => (bytes / MIB).toFixed(0));
  console.info(`of its time with one watcher: ${ratios.join(', ')}; MiB more: ${growth.join(', ')}`);
  // Memory of disconnected subscribers is free for the next ones. A leak would grow with each group; the time of
  // garbage collection differs between groups.
  const least = Math.min(...crowds.slice(1).map(({ bytes }) => bytes));
  expect(least).toBeLessThan(MAX_LATER_GROWTH_MIB * MIB);
});
