// A cancel during the end of a job: the video ends as the job ended, and a paid video is kept. SEED=… repeats the same
// moments.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../../scripts/soak/random.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { storedVideo } from '../support/stored.ts';

const RACES = 50;
/** Where the cancel starts; by the time that it is at Wiro, the job is elsewhere. */
const STAGES = [
  'task_output',
  'task_output_full',
  'task_end',
  'task_postprocess_start',
  'task_postprocess_end',
];

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

/** How it ended. */
async function race(prompt: string, stage: string): Promise<string> {
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached(stage);
  // Twice, like an impatient user.
  const answers = await Promise.all([service.cancel(id), service.cancel(id)]);
  for (const answer of answers) expect([200, 409]).toContain(answer.status);

  const { status, output } = await service.ended(id);
  expect({ prompt, status }).toEqual({
    prompt,
    status: task.status === 'task_cancel' ? 'cancelled' : 'completed',
  });
  if (status === 'completed') expect(await storedVideo(service, id)).toEqual(storedSample);
  else expect(output).toBeNull();
  for (const answer of answers) {
    if (answer.status === 409) expect(status).toBe('completed');
  }
  return status;
}

test(`${RACES} cancels race with the end, seed ${seed}`, async () => {
  const random = new Random(seed);
  const ends: string[] = [];
  for (let n = 0; n < RACES; n += 5) {
    const five = STAGES.map((_, k) =>
      race(`a race to the end ${n + k};`, STAGES[random.below(STAGES.length)]!),
    );
    ends.push(...(await Promise.all(five)));
  }
  const count = (end: string) => ends.filter((status) => status === end).length;
  console.info(`${count('completed')} completed, ${count('cancelled')} cancelled`);
  expect(count('completed')).toBeGreaterThan(0);
  expect(count('cancelled')).toBeGreaterThan(0);
});
