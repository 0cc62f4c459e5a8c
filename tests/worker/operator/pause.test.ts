// Pausing all submits, or those of one client: queued jobs wait, running jobs end, and everything else works.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/clients.ts';
import { expectProblem } from '../support/refusals.ts';
import { picture } from '../support/requests/pictures.ts';
import { filePart, upload } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';
import { runsOf } from '../support/upstream-calls.ts';
import { clientNamed, makeClient, OPERATOR_TOKEN, operated } from './operator.ts';

const CLIENT_TOKENS = JSON.stringify({ alice: ALICE, bob: BOB });

let service: Service;
let alice: Service;
let bob: Service;
beforeAll(async () => {
  service = await startService({
    vars: { MAX_ACTIVE: '1' },
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 600 },
  });
  [alice, bob] = [service.as(ALICE), service.as(BOB)];
});
afterAll(() => service?.close());

async function expectPaused(response: Response): Promise<void> {
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(response.headers.get('x-should-retry')).toBe('false');
  await expectProblem(response, [503, 'paused']);
}

const pause = (path: 'pause' | 'resume') => operated<object>(service, 'POST', path);

test('while everything is paused, nothing new starts, and a resume starts what waits', async () => {
  service.sim.script('a running river', { holdAt: 'task_start' });
  const running = await alice.accepted({ prompt: 'a running river' });
  const waiting = await bob.accepted({ prompt: 'a waiting river' });
  const stopped = await bob.accepted({ prompt: 'a river that dries up' });
  expect(await pause('pause')).toEqual({ paused: true });
  expect(await pause('pause')).toEqual({ paused: true });
  await expectPaused(await alice.submit({ prompt: 'a river that never springs' }));
  await expectPaused(await upload(alice, [filePart(picture('image/png', 100))]));
  const tool = { name: 'create_video', arguments: { prompt: 'a river that an agent wants' } };
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: tool };
  const headers = { 'content-type': 'application/json' };
  const agent = await alice.fetch('/mcp', { method: 'POST', headers, body: JSON.stringify(call) });
  expect(await agent.json()).toMatchObject({ result: { isError: true } });
  // The running one ends, and the waiting ones do not start, but can be read, cancelled and deleted.
  service.sim.release(await service.sim.waitForTask('a running river'));
  expect(await alice.ended(running.id)).toMatchObject({ status: 'completed' });
  await service.sweep(running.created_at);
  expect(await bob.video(waiting.id)).toMatchObject({ status: 'queued', queue_position: 1 });
  expect(await bob.video(stopped.id)).toMatchObject({ status: 'queued', queue_position: 2 });
  expect((await bob.cancel(stopped.id)).status).toBe(200);
  expect((await alice.fetch(`/v1/videos/${running.id}`, { method: 'DELETE' })).status).toBe(200);
  // The pause outlives the memory of the dispatcher.
  await service.evictDispatcher();
  await expectPaused(await alice.submit({ prompt: 'a river that never springs' }));
  expect(runsOf(service.sim, 'a waiting river')).toEqual([]);
  expect(await pause('resume')).toEqual({ paused: false });
  expect(await bob.ended(waiting.id)).toMatchObject({ status: 'completed' });
  const { id } = await alice.accepted({ prompt: 'a river after the pause' });
  await alice.ended(id);
});

test('a paused client waits alone', async () => {
  service.sim.script('a lake of alice', { holdAt: 'task_start' });
  const first = await alice.accepted({ prompt: 'a lake of alice, the first' });
  const second = await alice.accepted({ prompt: 'a lake of alice, the second' });
  const others = await bob.accepted({ prompt: 'a lake of bob' });
  const carol = await makeClient(service, 'carol');
  expect(await operated(service, 'PATCH', 'clients/alice', { paused: true })).toMatchObject({ paused: true });
  await expectPaused(await alice.submit({ prompt: 'a lake of alice, the third' }));
  expect(await alice.video(second.id)).toMatchObject({ queue_position: 2 });
  expect(await bob.video(others.id)).toMatchObject({ queue_position: 1 });
  service.sim.release(await service.sim.waitForTask('a lake of alice, the first'));
  expect(await alice.ended(first.id)).toMatchObject({ status: 'completed' });
  expect(await bob.ended(others.id)).toMatchObject({ status: 'completed' });
  const { id } = await carol.accepted({ prompt: 'a lake of carol' });
  expect(await carol.ended(id)).toMatchObject({ status: 'completed' });
  expect(await alice.video(second.id)).toMatchObject({ status: 'queued', queue_position: 1 });
  expect(await clientNamed(service, 'alice')).toMatchObject({ paused: true, active: 0 });
  service.sim.clearScripts();
  await operated(service, 'PATCH', 'clients/alice', { paused: null });
  expect(await alice.ended(second.id)).toMatchObject({ status: 'completed' });
});
