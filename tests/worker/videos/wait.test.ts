// `Prefer: wait=N` delays the response until the video ends or changes, or N seconds have passed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

function waited(id: string, prefer: string): Promise<Response> {
  return service.fetch(`/v1/videos/${id}`, { headers: { prefer } });
}

async function heldAt(stage: string, prompt: string): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: stage });
  const { id } = await service.accepted({ prompt });
  await service.until(id, (video) => video.stage === stage);
  return { id, task: await service.sim.waitForTask(prompt) };
}

test('wait with until=change returns at the next change', async () => {
  const { id, task } = await heldAt('task_start', 'a heron stands still');
  const waiting = waited(id, 'wait=60; until=change');
  // A later request is answered; the waiting one is not.
  await service.video(id);
  service.sim.script('a heron stands still', { holdAt: 'task_output' });
  service.sim.release(task);
  const answer = await waiting;
  expect([answer.status, answer.headers.get('preference-applied')]).toEqual([200, 'wait=60; until=change']);
  expect(await answer.json()).toMatchObject({ status: 'in_progress', stage: 'task_output' });
  service.sim.release(task);
});

test('wait returns at the end, and not before', async () => {
  const { id, task } = await heldAt('task_start', 'a heron takes off');
  const waiting = waited(id, 'wait=60');
  service.sim.script('a heron takes off', { holdAt: 'task_output' });
  service.sim.release(task);
  await service.until(id, ({ stage }) => stage === 'task_output');
  service.sim.release(task);
  const answer = await waiting;
  expect([answer.status, answer.headers.get('preference-applied')]).toEqual([200, 'wait=60']);
  expect(answer.headers.get('openai-poll-after-ms')).toBeNull();
  expect(await answer.json()).toMatchObject({ status: 'completed' });
});

describe('a submit with Prefer: wait', () => {
  const submit = (prompt: string, prefer: string) => {
    const headers = { 'content-type': 'application/json', prefer };
    return service.fetch('/v1/videos', { method: 'POST', headers, body: JSON.stringify({ prompt }) });
  };

  test('returns when its video has ended', async () => {
    const answer = await submit('a heron in one go', 'wait=90');
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([202, 'wait=60']);
    expect([answer.headers.get('retry-after'), answer.headers.get('openai-poll-after-ms')]).toEqual([
      null,
      null,
    ]);
    const video = (await answer.json()) as Video;
    expect(video.status).toBe('completed');
    expect((await service.fetch(video.urls.content ?? '')).status).toBe(200);
  });

  test('returns at a change, or after the time', async () => {
    service.sim.script('a heron at rest', { holdAt: 'task_start' });
    const moved = await submit('a heron at rest', 'wait=30; until=change');
    expect(moved.headers.get('preference-applied')).toBe('wait=30; until=change');
    expect(await moved.json()).toMatchObject({ status: 'in_progress' });
    service.sim.script('a heron asleep', { holdAt: 'task_start' });
    const inTime = await submit('a heron asleep', 'wait=1');
    expect(inTime.headers.get('openai-poll-after-ms')).toBe('3000');
    expect(await inTime.json()).toMatchObject({ status: 'in_progress' });
  });
});

test('wait returns after its time without a change', async () => {
  const { id } = await heldAt('task_start', 'a heron stands very still');
  const began = performance.now();
  const answer = await waited(id, 'wait=1');
  expect(performance.now() - began).toBeGreaterThan(950);
  expect(answer.headers.get('preference-applied')).toBe('wait=1');
  expect((await answer.json()) as Video).toMatchObject({ status: 'in_progress', stage: 'task_start' });
});

test('a final video is returned at once, and no wait is longer than a minute', async () => {
  const { id } = await service.accepted({ prompt: 'a heron flies away' });
  await service.ended(id);
  const answer = await waited(id, 'respond-async, wait=600');
  expect(answer.headers.get('preference-applied')).toBe('wait=60');
  expect((await answer.json()) as Video).toMatchObject({ status: 'completed' });
  const odd = await waited(id, 'wait=soon');
  expect([odd.status, odd.headers.get('preference-applied')]).toEqual([200, null]);
});

test('a hundred concurrent waits return at a cancel and at a deletion', async () => {
  for (const end of ['cancel', 'delete'] as const) {
    const { id } = await heldAt('task_start', `a hundred herons, ${end}`);
    const waiting = Array.from({ length: 100 }, () => waited(id, 'wait=60'));
    await service.video(id);
    if (end === 'cancel') {
      await service.cancel(id);
      for (const answer of await Promise.all(waiting)) {
        expect(((await answer.json()) as Video).status).toBe('cancelled');
      }
    } else {
      await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
      for (const answer of await Promise.all(waiting)) await expectProblem(answer, [404, 'not_found']);
    }
  }
});
