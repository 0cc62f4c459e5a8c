// The cron trigger resumes videos that lost their alarm, and rebuilds lost objects.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DirectService, startDirect } from '../support/direct.ts';
import { storedSample } from '../support/sample.ts';
import { publishedRecord, storedVideo } from '../support/stored.ts';
import { detailCalls, runsOf } from '../support/upstream-calls.ts';
import { loseAlarms, loseObjects } from './object-databases.ts';

/** Longer than a video goes without being looked after. */
const LATER_SECONDS = 11 * 60;

let service: DirectService;
beforeEach(async () => {
  service = await startDirect({ vars: { MAX_ACTIVE: '1' } });
});
afterEach(() => service.close());

async function whileDown(lose: () => void): Promise<void> {
  await service.dev.kill('SIGKILL');
  lose();
  await service.dev.start();
}

const later = () => Math.floor(Date.now() / 1000) + LATER_SECONDS;

async function expectMade(id: string, prompt: string): Promise<void> {
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  expect(await storedVideo(service, id)).toEqual(storedSample);
  await publishedRecord(service, id, 'completed');
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
}

test('running and queued jobs that lost their alarm are resumed', async () => {
  const [first, second] = ['a bear asleep', 'a bear behind it'];
  service.sim.script(first, { holdAt: 'task_start', callback: { lost: true } });
  const atWiro = await service.accepted({ prompt: first });
  const task = await service.sim.waitForTask(first);
  await service.until(atWiro.id, ({ stage }) => stage === 'task_start');
  const inLine = await service.accepted({ prompt: second });
  expect(inLine).toMatchObject({ status: 'queued', queue_position: 1 });

  await whileDown(() => loseAlarms(service, 'VideoTask'));
  const checks = detailCalls(service.sim, task).length;
  service.sim.release(task);
  await task.reached('task_postprocess_end');
  expect(await service.video(inLine.id)).toMatchObject({ status: 'queued', queue_position: 1 });
  expect(await service.video(atWiro.id)).toMatchObject({ status: 'in_progress', stage: 'task_start' });
  expect(detailCalls(service.sim, task)).toHaveLength(checks);

  await service.sweep(later());
  await expectMade(atWiro.id, first);
  await expectMade(inLine.id, second);
});

test('a slot whose job is gone is released', async () => {
  const [first, second] = ['a bear that vanishes', 'a bear that waits for it'];
  service.sim.script(first, { holdAt: 'task_start' });
  await service.accepted({ prompt: first });
  await service.sim.waitForTask(first);
  await whileDown(() => loseObjects(service, 'VideoTask'));
  const { id } = await service.accepted({ prompt: second });
  expect(await service.video(id)).toMatchObject({ status: 'queued', queue_position: 1 });
  await service.sweep(later());
  await expectMade(id, second);
});

test('a lost queue is rebuilt by the sweep', async () => {
  const prompts = ['a bear in front', 'a bear in the middle', 'a bear at the end'];
  service.sim.script(prompts[0]!, { holdAt: 'task_start' });
  const ids: string[] = [];
  for (const prompt of prompts) ids.push((await service.accepted({ prompt })).id);
  await whileDown(() => loseObjects(service, 'Dispatcher'));
  service.sim.release(await service.sim.waitForTask(prompts[0]!));
  for (const [index, prompt] of prompts.entries()) await expectMade(ids[index]!, prompt);
});
