// A deleted video is invisible at once, and soon removed everywhere, at any stage.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Faults } from '../../../sim/index.ts';
import { ageTombstones, storedValues } from '../lifecycle/object-databases.ts';
import { startDirect } from '../support/direct.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Part, submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { called, callsAbout } from '../support/upstream-calls.ts';

const FILES = '/Task/InputOutputDelete';

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { PURGE_UPSTREAM: 'true' } });
});
afterAll(() => service.close());

async function submitted(prompt: string, faults: Faults): Promise<Video> {
  service.sim.script(prompt, faults);
  const file: Part = { name: 'inputImageFirst', filename: 'frame.png', value: picture('image/png', 5000) };
  const answer = await submitForm(service, [{ name: 'prompt', value: prompt }, file]);
  expect(answer.status).toBe(202);
  return (await answer.json()) as Video;
}

function remove(id: string): Promise<Response> {
  return service.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
}

/** Keys in KV and R2 that name the video. */
async function leftOf(id: string): Promise<string[]> {
  const [records, videos, inputs] = await Promise.all([
    service.bindings.TASKS.list(),
    service.bindings.VIDEOS.list({ prefix: `videos/${id}` }),
    service.bindings.VIDEOS.list({ prefix: `inputs/${id}` }),
  ]);
  const named = records.keys.map(({ name }) => name).filter((name) => name.includes(id));
  return [...named, ...videos.objects.map(({ key }) => key), ...inputs.objects.map(({ key }) => key)];
}

interface Stage {
  faults: Faults;
  until: (video: Video) => boolean;
  /** How the task at Wiro ends. */
  task?: 'task_cancel' | 'task_postprocess_end';
}

const stages: [string, Stage][] = [
  [
    'not yet at Wiro',
    {
      faults: { run: [{ kind: 'status', status: 429, retryAfter: 3600 }] },
      until: ({ stage }) => stage === 'waiting',
    },
  ],
  ["in Wiro's queue", { faults: { holdAt: 'task_queue' }, until: () => true, task: 'task_cancel' }],
  [
    'on a worker',
    { faults: { holdAt: 'task_output' }, until: ({ stage }) => stage === 'task_output', task: 'task_cancel' },
  ],
  [
    'storing',
    {
      faults: { cdn: Array(50).fill({ kind: 'status', status: 503 }) },
      until: ({ stage }) => stage === 'storing',
      task: 'task_postprocess_end',
    },
  ],
  ['completed', { faults: {}, until: ({ status }) => status === 'completed', task: 'task_postprocess_end' }],
  [
    'failed',
    {
      faults: { task: { pexit: '1' } },
      until: ({ status }) => status === 'failed',
      task: 'task_postprocess_end',
    },
  ],
];

describe.concurrent('a video is deleted', () => {
  test.for(stages)('%s', async ([name, { faults, until, task: end }]) => {
    const prompt = `a sandcastle ${name}`;
    const { id } = await submitted(prompt, faults);
    const { status } = await service.until(id, until);
    // KV may still contain a record that was being published.
    if (status === 'completed' || status === 'failed') await publishedRecord(service, id, status);
    const answer = await remove(id);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { id, object: 'video.deleted', deleted: true },
    ]);
    await expectProblem(await service.fetch(`/v1/videos/${id}`), [404, 'not_found']);
    await expectProblem(await service.fetch(`/v1/videos/${id}/content`), [404, 'not_found']);
    await expectProblem(await remove(id), [404, 'not_found']);
    await expectProblem(await service.cancel(id), [404, 'not_found']);

    if (end) {
      const task = await service.sim.waitForTask(prompt);
      await task.reached(end);
      await vi.waitUntil(() => task.deleted, 30_000);
      const late = await service.fetch(new URL(task.callbackUrl).pathname, { method: 'POST' });
      expect(late.status).toBe(200);
    }
    await vi.waitUntil(async () => (await leftOf(id)).length === 0, 30_000);
    await expectProblem(await service.fetch(`/v1/videos/${id}`), [404, 'not_found']);
  });
});

test('a tombstone stays for 90 days after a deletion', async () => {
  const direct = await startDirect();
  try {
    const prompt = 'a sandcastle in the tide';
    const { id } = (await (await direct.submit({ prompt }, 'tide')).json()) as Video;
    await direct.ended(id);
    await direct.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
    await vi.waitFor(() => expect(storedValues(direct)).toEqual(['tombstone']), { timeout: 30_000 });
    const restarted = async (daysLater: number) => {
      await direct.dev.kill('SIGKILL');
      ageTombstones(direct, daysLater);
      await direct.dev.start();
    };
    await restarted(89);
    await expectProblem(await direct.submit({ prompt }, 'tide'), [410, 'deleted']);
    expect(storedValues(direct)).toEqual(['tombstone']);
    await restarted(1);
    // A database cannot be read while it is being removed.
    await vi.waitFor(() => expect(storedValues(direct)).toEqual([]), { timeout: 30_000 });
    expect((await direct.submit({ prompt }, 'tide')).status).toBe(202);
  } finally {
    await direct.close();
  }
});

describe("Wiro's files", () => {
  test('are deleted after the copy, with retries', async () => {
    const prompt = 'a sandcastle photographed';
    const no = { kind: 'status', status: 503 } as const;
    const { id } = await submitted(prompt, { delete: [no, no] });
    expect(await service.ended(id)).toMatchObject({ status: 'completed' });
    const task = await service.sim.waitForTask(prompt);
    await vi.waitUntil(() => task.deleted, 30_000);
    expect(callsAbout(service.sim, task, FILES)).toHaveLength(3);
    const [copied] = callsAbout(service.sim, task, '/cdn/');
    expect(callsAbout(service.sim, task, FILES)[0]!.at).toBeGreaterThanOrEqual(copied!.at);
  });

  test('that Wiro does not delete do not prevent the removal', async () => {
    const prompt = 'a sandcastle that Wiro holds on to';
    const { id } = await submitted(prompt, { delete: Array(1000).fill({ kind: 'status', status: 503 }) });
    await service.ended(id);
    const task = await service.sim.waitForTask(prompt);
    await remove(id);
    const asked = callsAbout(service.sim, task, FILES).length;
    await vi.waitUntil(async () => (await leftOf(id)).length === 0, 30_000);
    await called(service.sim, task, FILES, asked + 1);
  });

  test('are kept by default', async () => {
    const keeping = await startService();
    try {
      const { id } = await keeping.accepted({ prompt: 'a sandcastle kept' });
      await keeping.ended(id);
      await publishedRecord(keeping, id, 'completed');
      expect((await keeping.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
      await vi.waitUntil(async () => (await keeping.bindings.VIDEOS.list()).objects.length === 0, 30_000);
      expect(keeping.sim.callsTo(FILES)).toEqual([]);
    } finally {
      await keeping.close();
    }
  });
});
