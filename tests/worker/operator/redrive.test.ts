// An operator resumes a failed video that may have been charged.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../support/refusals.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord, storedVideo } from '../support/stored.ts';
import { callsAbout, outputFetched, runsOf } from '../support/upstream-calls.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';

/** Whose copies have little time, and whose jobs. */
let service: Service;
let hasty: Service;
beforeAll(async () => {
  const secrets = { OPERATOR_TOKEN };
  service = await startService({ vars: { COPY_DEADLINE_SECONDS: '2' }, secrets });
  hasty = await startService({
    vars: { TASK_DEADLINE_SECONDS: '4' },
    secrets,
    sim: { listCallbackUrl: false, parametersAs: 'none' },
  });
});
afterAll(async () => {
  await service.close();
  await hasty.close();
});

function redrive(service: Service, id: string, token = OPERATOR_TOKEN): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return service.fetch(`/operator/videos/${id}/redrive`, { method: 'POST', headers });
}

async function failed(service: Service, prompt: string, code: string): Promise<string> {
  const { id } = await service.accepted({ prompt });
  expect(await service.ended(id)).toMatchObject({ status: 'failed', error: { code } });
  await publishedRecord(service, id, 'failed');
  return id;
}

async function expectBack(service: Service, id: string, prompt: string): Promise<void> {
  const video = await service.until(id, ({ status }) => status === 'completed');
  expect(video).toMatchObject({ error: null, cost_usd: '0.28', output: { size: storedSample.size } });
  expect(await storedVideo(service, id)).toEqual(storedSample);
  await publishedRecord(service, id, 'completed');
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
}

describe.concurrent('a redrive resumes a video that failed with', () => {
  test('storage_failed', async () => {
    const prompt = 'a letter that did not fit the box';
    service.sim.script(prompt, { cdn: Array(100).fill({ kind: 'status', status: 503 }) });
    const id = await failed(service, prompt, 'storage_failed');
    // While the cause remains, it fails again.
    const task = await service.sim.waitForTask(prompt);
    const tries = callsAbout(service.sim, task, '/cdn/').length;
    expect((await redrive(service, id)).status).toBe(202);
    await outputFetched(service.sim, task, tries + 1);
    expect(await service.ended(id)).toMatchObject({ error: { code: 'storage_failed' } });
    service.sim.clearScripts();
    const answer = await redrive(service, id);
    expect([answer.status, await answer.json()]).toMatchObject([
      202,
      { id, status: 'in_progress', error: null },
    ]);
    await expectBack(service, id, prompt);
  });

  test('submission_unknown', async () => {
    const prompt = 'a letter that nobody signed for';
    hasty.sim.script(prompt, { run: [{ kind: 'lost', how: 'status' }], callback: { lost: true } });
    const id = await failed(hasty, prompt, 'submission_unknown');
    await (await hasty.sim.waitForTask(prompt)).reached('task_postprocess_end');
    hasty.sim.listCallbackUrl = true;
    const answer = await redrive(hasty, id);
    // The job is searched for; until it is found the video stays failed.
    expect([answer.status, await answer.json()]).toMatchObject([202, { id, status: 'failed' }]);
    await expectBack(hasty, id, prompt);
  });

  test('upstream_timeout', async () => {
    const prompt = 'a letter by slow mail';
    hasty.sim.script(prompt, { holdAt: 'task_output' });
    const id = await failed(hasty, prompt, 'upstream_timeout');
    const task = await hasty.sim.waitForTask(prompt);
    hasty.sim.release(task);
    await task.reached('task_postprocess_end');
    expect((await redrive(hasty, id)).status).toBe(202);
    await expectBack(hasty, id, prompt);
  });
});

test('a redrive does nothing for a video without a charge and for a completed one', async () => {
  service.sim.script('burnt', { task: { pexit: '1' } });
  const burnt = await failed(service, 'a burnt letter', 'generation_failed');
  await expectProblem(await redrive(service, burnt), [409, 'already_finished']);
  const { id } = await service.accepted({ prompt: 'a letter that arrived' });
  await service.ended(id);
  await expectProblem(await redrive(service, id), [409, 'already_finished']);
  await expectProblem(await redrive(service, `vid_${'a'.repeat(40)}`), [404, 'not_found']);
});

test('only the operator can redrive', async () => {
  const { id } = await service.accepted({ prompt: 'a letter for somebody else' });
  for (const token of ['', 'x', OPERATOR_TOKEN.toUpperCase(), `${OPERATOR_TOKEN}x`]) {
    await expectProblem(await redrive(service, id, token), [401, 'unauthorized']);
  }
  const without = await startService();
  try {
    const init = { method: 'POST', headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } };
    const answer = await without.fetch(`/operator/videos/${id}/redrive`, init);
    await expectProblem(answer, [404, 'not_found']);
  } finally {
    await without.close();
  }
});
