// Wiro's callback: only a valid proof counts, and only Task/Detail decides. Scheduled checks are an hour apart here, so
// earlier checks were caused by callbacks.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallbackFault, SimTask } from '../../../sim/index.ts';
import { type ForeignHost, startForeignHost } from '../content/foreign-host.ts';
import { storedSample } from '../support/sample.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { storedVideo } from '../support/stored.ts';
import { callsAbout, checked, detailCalls } from '../support/upstream-calls.ts';

const vars = { POLL_SECONDS: '3600', RETRY_SECONDS: '1' };

let service: Service;
beforeAll(async () => {
  service = await startService({ vars });
});
afterAll(() => service.close());

/** Not by way of `service.fetch`: the URL holds the proof, which the search for secrets would find. */
function callBack(url: string, body: BodyInit = ''): Promise<Response> {
  // The content type has no meaning.
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' };
  return fetch(url, init);
}

/** A video whose task stays at `task_start`. */
async function held(prompt: string): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached('task_start');
  return { id, task };
}

async function expectCompleted(id: string): Promise<void> {
  expect(await service.ended(id)).toMatchObject({ status: 'completed', cost_usd: '0.28' });
  expect(await storedVideo(service, id)).toEqual(storedSample);
}

describe('a callback with a valid proof', () => {
  const bodies: [string, CallbackFault['body']][] = [
    ["Detail's shape", 'detail'],
    ['a bare task', 'bare'],
    ['a form', 'form'],
    ['nothing', 'empty'],
    ['1 MiB of garbage', 'garbage'],
    ['a web page', { contentType: 'text/html', body: '<!doctype html><p>done</p>' }],
    ['broken JSON', { contentType: 'application/json', body: '{"tasklist":[{"status":' }],
    ['JSON without end', { contentType: 'application/json', body: '['.repeat(500_000) }],
    ['no type at all', { contentType: '', body: 'x' }],
    [
      'the claim that it failed',
      { contentType: 'application/json', body: '{"status":"task_cancel","pexit":"1"}' },
    ],
  ];

  test.concurrent.each(bodies)('with %s in it completes the video', async (name, body) => {
    const prompt = `a boat announced with ${name}.`;
    service.sim.script(prompt, { callback: body === undefined ? {} : { body } });
    const { id } = await service.accepted({ prompt });
    const task = await service.sim.waitForTask(prompt);
    expect(await task.calledBack()).toMatchObject({ status: 200 });
    await expectCompleted(id);
    expect(task.callbacks).toHaveLength(1);
    expect(detailCalls(service.sim, task)).toHaveLength(1);
  });

  test('before the answer to Run completes the video', async () => {
    service.sim.script('ahead of time', { callback: { early: true } });
    const { id } = await service.accepted({ prompt: 'a boat ahead of time' });
    const task = await service.sim.waitForTask('ahead of time');
    expect(await task.calledBack()).toMatchObject({ status: 200 });
    await expectCompleted(id);
    expect(service.sim.callsTo('/Run/').filter((call) => call.task === task)).toHaveLength(1);
  });

  test('before Detail shows the end completes the video', async () => {
    let shown = 0;
    // First the callback shows the end, then Detail, and only then the video ends.
    const patch = (row: Record<string, unknown>) =>
      row.status === 'task_postprocess_end' && ++shown <= 2
        ? { ...row, status: 'task_postprocess_start', pexit: null, outputs: [] }
        : row;
    service.sim.script('overtaken', { task: { patch } });
    const { id } = await service.accepted({ prompt: 'a boat overtaken by its news' });
    await (await service.sim.waitForTask('overtaken')).calledBack();
    await expectCompleted(id);
  });

  test('completes the video even if the next check fails', async () => {
    service.sim.script('misheard', { detail: [{ kind: 'status', status: 502 }] });
    const { id } = await service.accepted({ prompt: 'a boat that is misheard' });
    await (await service.sim.waitForTask('misheard')).calledBack();
    await expectCompleted(id);
  });

  test('that claims success of a running task changes nothing', async () => {
    const foreign: ForeignHost = await startForeignHost();
    const { id, task } = await held('a boat too loudly praised');
    const row = {
      ...{ id: task.id, status: 'task_postprocess_end', pexit: '0', totalcost: '9.99' },
      outputs: [{ name: '0.mp4', contenttype: 'video/mp4', size: '7', url: foreign.url }],
    };
    for (const claim of [row, { total: '1', errors: [], tasklist: [row], result: true }]) {
      const before = detailCalls(service.sim, task).length;
      expect((await callBack(task.callbackUrl, JSON.stringify(claim))).status).toBe(200);
      await checked(service.sim, task, before + 1);
      const video = await service.until(id, ({ stage }) => stage === 'task_start');
      expect(video).toMatchObject({ status: 'in_progress', output: null, cost_usd: null });
    }
    expect(callsAbout(service.sim, task, '/cdn/')).toEqual([]);
    expect(await storedVideo(service, id)).toBeUndefined();
    service.sim.release(task);
    await expectCompleted(id);
    expect(foreign.requests).toEqual([]);
    await foreign.close();
  });

  test.each<[string, () => BodyInit]>([
    ['3 MiB', () => Buffer.alloc(3 * 2 ** 20, 'garbage')],
    ['a stream of unknown length', () => new Blob([Buffer.alloc(2 ** 20)]).stream()],
    [
      'another form',
      () => {
        const form = new FormData();
        form.set('status', 'x');
        return form;
      },
    ],
  ])('is answered 200 with %s', async (name, body) => {
    const { id, task } = await held(`a boat with a heavy load: ${name}`);
    expect((await callBack(task.callbackUrl, body())).status).toBe(200);
    service.sim.release(task);
    await expectCompleted(id);
  });

  test('200 times at once causes few checks', async () => {
    const { id, task } = await held('a boat much talked about');
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => callBack(task.callbackUrl, '{"status":"task_end"}')),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await service.until(id, ({ stage }) => stage === 'task_start');
    const checks = detailCalls(service.sim, task).length;
    const seconds = (performance.now() - started) / 1000;
    expect(checks).toBeGreaterThan(0);
    expect(checks).toBeLessThanOrEqual(3 + 1.25 * seconds);
    service.sim.release(task);
    await expectCompleted(id);
  });
});

describe('an invalid callback', () => {
  test('is 404 and causes no check', async () => {
    const [one, other] = [await held('a boat to be lied about'), await held('a boat to borrow from')];
    const { origin } = service;
    const proof = proofOf(one.task);
    const altered = `${proof.slice(0, -1)}${proof.endsWith('a') ? 'b' : 'a'}`;
    const wrong = [
      `/hooks/wiro/${one.id}/${proofOf(other.task)}`,
      `/hooks/wiro/${other.id}/${proof}`,
      `/hooks/wiro/${one.id}/${altered}`,
      `/hooks/wiro/${one.id}/${proof.slice(0, -8)}`,
      `/hooks/wiro/${one.id}/${proof}${proof}`,
      `/hooks/wiro/${one.id}/${proof.toUpperCase()}`,
      `/hooks/wiro/${one.id}/`,
      `/hooks/wiro/${one.id}`,
      `/hooks/wiro/${one.id}/${proof}/x`,
      `/hooks/wiro/vid_${'a'.repeat(40)}/${proof}`,
      `/hooks/wiro/${one.id.toUpperCase()}/${proof}`,
      `/hooks/wiro//${proof}`,
    ];
    const objects = await service.objectIds();
    for (const path of wrong) {
      const response = await callBack(`${origin}${path}`, '{"status":"task_postprocess_end"}');
      expect(response.status, path).toBe(404);
      expect(await problem(response), path).toMatchObject({ status: 404, code: 'not_found' });
    }
    expect((await service.objectIds()).toSorted()).toEqual(objects.toSorted());
    // A valid callback causes a check. An invalid one would have caused one before.
    const last = await held('a boat to be told the truth about');
    expect((await callBack(last.task.callbackUrl)).status).toBe(200);
    await service.until(last.id, ({ stage }) => stage === 'task_start');
    for (const { task } of [one, other]) expect(detailCalls(service.sim, task)).toEqual([]);
    for (const { id, task } of [one, other, last]) {
      service.sim.release(task);
      await expectCompleted(id);
    }
  });

  test.each(['GET', 'PUT', 'DELETE'])('by %s is 405', async (method) => {
    const { id, task } = await held(`a boat called upon by ${method}`);
    const response = await fetch(task.callbackUrl, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await problem(response)).toMatchObject({ code: 'method_not_allowed' });
    service.sim.release(task);
    await expectCompleted(id);
    expect(detailCalls(service.sim, task)).toHaveLength(1);
  });
});

test('without a callback the deadline applies before the next scheduled check', async () => {
  const hasty = await startService({ vars: { ...vars, TASK_DEADLINE_SECONDS: '2' } });
  try {
    hasty.sim.script('forgotten', { task: { never: true } });
    const { id } = await hasty.accepted({ prompt: 'a boat forgotten by all' });
    expect(await hasty.ended(id)).toMatchObject({ status: 'failed', error: { code: 'upstream_timeout' } });
  } finally {
    await hasty.close();
  }
});

function proofOf({ callbackUrl }: SimTask): string {
  return callbackUrl.split('/').at(-1) ?? '';
}
