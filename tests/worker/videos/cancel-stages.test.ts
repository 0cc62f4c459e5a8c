// Which calls a cancel makes at each stage, and how the video ends. The table is printed at the end.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { callsAbout, runsOf } from '../support/upstream-calls.ts';

interface Row {
  /** Wiro's status when the cancel comes. */
  stage: string;
  /** Whether the Worker has heard of that; else it knows what Run answered. */
  known: boolean;
  calls: string[];
}

const AFTER_THE_QUEUE = [
  ...['task_accept', 'task_preprocess_start', 'task_preprocess_end', 'task_assign', 'task_start'],
  ...['task_output', 'task_output_full', 'task_end', 'task_postprocess_start'],
];
const TABLE: Row[] = [
  { stage: 'task_queue', known: true, calls: ['Cancel'] },
  ...AFTER_THE_QUEUE.map((stage) => ({ stage, known: true, calls: ['Kill'] })),
  ...AFTER_THE_QUEUE.map((stage) => ({ stage, known: false, calls: ['Cancel', 'Kill'] })),
];

let service: Service;
const seen: string[] = [];
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '60' } });
});
afterAll(async () => {
  if (seen.length > 0) console.log(seen.toSorted().join('\n'));
  await service.close();
});

describe.concurrent('a cancel at', () => {
  test.each(TABLE)('$stage, known: $known', async ({ stage, known, calls }) => {
    const prompt = `an idea dropped at ${stage}, ${known ? 'known' : 'not known'};`;
    service.sim.script(prompt, { holdAt: stage });
    const { id } = await service.accepted({ prompt });
    const task = await service.sim.waitForTask(prompt);
    await task.reached(stage);
    if (known) {
      await service.fetch(new URL(task.callbackUrl).pathname, { method: 'POST' });
      await expect.poll(async () => (await service.video(id)).stage, { timeout: 30_000 }).toBe(stage);
    }

    const answers = await Promise.all([service.cancel(id), service.cancel(id)]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ status: 'cancelled', stage: 'done', output: null });
    }
    const made = ['Cancel', 'Kill'].filter((way) => callsAbout(service.sim, task, `/Task/${way}`).length > 0);
    expect({ stage, calls: made, task: task.status }).toEqual({ stage, calls, task: 'task_cancel' });
    expect(callsAbout(service.sim, task, '/Task/Cancel').length).toBeLessThanOrEqual(1);
    expect(callsAbout(service.sim, task, '/Task/Kill')).toHaveLength(calls.includes('Kill') ? 1 : 0);
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
    const heard = known ? 'known    ' : 'not known';
    seen.push(`${stage.padEnd(24)} ${heard}  ${made.join(', ').padEnd(13)}  ${task.status} → cancelled`);
  });
});
