// Many watch one video, and some of them take nothing: nobody waits for anybody, least of all the job.
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryBelow } from '../../scripts/process-memory.ts';
import type { SimTask } from '../../sim/index.ts';
import { type DirectService, startDirect } from './direct.ts';
import { type Watch, watch } from './event-source.ts';

const READING = 180;
const NOT_READING = 20;
/** The stand-in's chat before the one event of a job in its queue. */
const LINES_IN_THE_QUEUE = 15;

let service: DirectService;
beforeAll(async () => {
  // Whatever is seen before the end comes from the socket.
  service = await startDirect({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30 } });
});
afterAll(() => service.close());

/** A job with hundreds of lines of output, at Wiro until it is released. */
async function waiting(prompt: string): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: 'task_queue', socket: 'chatty' });
  const { id } = await service.accepted({ prompt });
  return { id, task: await service.sim.waitForTask(prompt) };
}

/** Takes the head of the answer and nothing more. */
function notReading(id: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(`${service.origin}/v1/videos/${id}/events`, { agent: false }, (response) => {
      response.on('error', () => {});
      resolve(response.pause());
    });
    request.once('error', reject);
  });
}

/** Watches once the socket has told all that it can before the release, so that everybody begins alike. */
async function watchedFirst(id: string): Promise<Watch> {
  const first = await watch(service, id);
  const lines = () => first.events.filter(({ event }) => event === 'log').length;
  await expect.poll(lines, { timeout: 20_000 }).toBe(LINES_IN_THE_QUEUE);
  return first;
}

/** Milliseconds from the release to the end. */
async function timed(id: string, task: SimTask): Promise<number> {
  const start = performance.now();
  service.sim.release(task);
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  return performance.now() - start;
}

/** Of workerd with all that `wrangler dev` adds. */
const resident = () =>
  memoryBelow(service.dev.pid, 'workerd').reduce((sum, { resident }) => sum + resident, 0);

test(`${READING} watchers read, ${NOT_READING} do not`, { timeout: 120_000 }, async () => {
  const alone = await waiting('a comet for one');
  const onlyOne = await watchedFirst(alone.id);
  const timeAlone = await timed(alone.id, alone.task);
  await onlyOne.ended;

  const before = resident();
  const { id, task } = await waiting('a comet for everybody');
  await watchedFirst(id);
  const idle = await Promise.all(Array.from({ length: NOT_READING }, () => notReading(id)));
  const watches = await Promise.all(
    Array.from({ length: READING }, (): Promise<Watch> => watch(service, id)),
  );
  const time = await timed(id, task);
  await Promise.all(watches.map(({ ended }) => ended));
  const growth = resident() - before;
  for (const response of idle) response.destroy();

  const [first, ...others] = watches.map(({ events }) => events);
  expect(first?.length).toBeGreaterThan(300);
  expect(first?.at(-1)?.data).toEqual(await service.video(id));
  const firstText = JSON.stringify(first);
  for (const events of others) expect(JSON.stringify(events) === firstText).toBe(true);
  const mebibytes = (growth / 2 ** 20).toFixed(0);
  console.info(
    `the job took ${(time / timeAlone).toFixed(2)} of its time with one watcher, +${mebibytes} MiB`,
  );
});
