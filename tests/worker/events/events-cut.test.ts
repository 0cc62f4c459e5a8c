// A stream that breaks a hundred times, inside events and between them, and is resumed each time. SEED=… repeats the
// same places.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../../scripts/soak/random.ts';
import { type SeenEvent, sinceAllCame, watch } from '../support/event-source.ts';
import { type Service, startService } from '../support/service.ts';
import { followed } from '../support/upstream-calls.ts';

const CUTS = 100;
/** Bytes of a stream before it breaks off: a third of an event to three of them. */
const CUT_WITHIN = 2400;
const VIDEOS_AT_ONCE = 4;

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

let service: Service;
beforeAll(async () => {
  // Events before the end can only come from the socket.
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30 } });
});
afterAll(() => service.close());

/** One video seen whole and in pieces; how often it was cut. */
async function cutAndResumed(prompt: string, random: Random): Promise<number> {
  service.sim.script(prompt, { holdAt: 'task_queue' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  const whole = await watch(service, id);
  // A subscriber without any event cannot resume, so the job continues only after the first event, when the Worker
  // listens to the socket.
  const first = await watch(service, id);
  await expect.poll(() => first.events.length, { timeout: 30_000 }).toBeGreaterThan(0);
  await followed(service.sim, task);
  first.leave();
  await first.ended;
  const pieces: SeenEvent[] = [...first.events];
  service.sim.release(task);

  let cuts = 1;
  while (pieces.at(-1)?.data.status !== 'completed') {
    const piece = await watch(service, id, pieces.at(-1)?.id, 1 + random.below(CUT_WITHIN));
    await piece.ended;
    pieces.push(...piece.events);
    cuts += 1;
  }
  await whole.ended;
  const [inPieces, asAWhole] = sinceAllCame(pieces, whole.events);
  expect(asAWhole?.length).toBeGreaterThan(10);
  expect(inPieces).toEqual(asAWhole);
  return cuts - 1;
}

test(`a stream that breaks ${CUTS} times has no gaps or repeats, seed ${seed}`, async () => {
  const random = new Random(seed);
  let cuts = 0;
  for (let round = 0; cuts < CUTS; round += 1) {
    const prompts = Array.from({ length: VIDEOS_AT_ONCE }, (_, n) => `a comet behind clouds ${round}-${n};`);
    const runs = prompts.map((prompt) => cutAndResumed(prompt, new Random(random.below(2 ** 32))));
    const counts = await Promise.all(runs);
    cuts = counts.reduce((sum, count) => sum + count, cuts);
  }
});
