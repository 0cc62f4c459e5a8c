// Live events: the messages of Wiro's socket reach all subscribers of the video in order, and no other client.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Faults, SimTask, SocketFault } from '../../../sim/index.ts';
import { eventOf, type SeenEvent, sinceAllCame, watch } from '../support/event-source.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import { callsAbout, followed } from '../support/upstream-calls.ts';

let service: Service;
beforeAll(async () => {
  // Events before the end can only come from the socket.
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30, socketEdition: '2025' } });
});
afterAll(() => service.close());

/** Held in Wiro's queue until it is released. */
async function submitted(prompt: string, faults: Faults = {}): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: 'task_queue', ...faults });
  const { id } = await service.accepted({ prompt });
  return { id, task: await service.sim.waitForTask(prompt) };
}

const videos = (events: SeenEvent[]) =>
  events.filter(({ event }) => event === 'video').map(({ data }) => data);
const lines = (events: SeenEvent[]) => events.filter(({ event }) => event === 'log').map(({ data }) => data);

test('a late subscriber gets earlier log lines once', async () => {
  const { id, task } = await submitted('a comet seen late', { holdAt: '50 %' });
  await vi.waitUntil(() => task.held, 30_000);
  const seen = await watch(service, id);
  await followed(service.sim, task);
  service.sim.release(task);
  await seen.ended;
  const stdout = lines(seen.events).flatMap(({ stream, text }) => (stream === 'stdout' ? [text] : []));
  expect(stdout).toEqual(['Generation finished', 'Loading model', 'Prompt accepted']);
});

test('a second subscriber gets the log lines so far, and those of an ended video before its end', async () => {
  const prompt = 'a comet seen twice';
  const { id, task } = await submitted(prompt);
  const first = await watch(service, id);
  await followed(service.sim, task);
  service.sim.script(prompt, { holdAt: '60 %' });
  service.sim.release(task);
  const texts = () => lines(first.events).map(({ text }) => text);
  await expect.poll(texts, { timeout: 60_000 }).toContain('Prompt accepted');
  const again = await watch(service, id);
  await expect.poll(() => lines(again.events), { timeout: 30_000 }).toEqual(lines(first.events));
  expect(again.events[0]?.event).toBe('video');
  service.sim.release(task);
  await Promise.all([first.ended, again.ended]);
  expect(lines(again.events)).toEqual(lines(first.events));
  const late = await watch(service, id);
  await late.ended;
  expect(lines(late.events)).toEqual(lines(first.events));
  expect(late.events.at(-1)).toEqual(first.events.at(-1));
  for (const { events } of [again, late]) {
    const ids = events.map((event) => event.id);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  }
});

test('all events from start to end, by server-sent events and by WebSocket', async () => {
  const { id, task } = await submitted('a comet passes');
  const seen = await watch(service, id);
  expect([seen.status, seen.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  expect(seen.headers.get('cache-control')).toContain('no-cache');
  const socket = new WebSocket(`${service.origin.replace('http', 'ws')}/v1/videos/${id}/events`);
  const messages: SeenEvent[] = [];
  socket.on('message', (text) => {
    const { seq, type, data } = JSON.parse(String(text));
    messages.push({ id: seq, event: type, data });
  });
  await new Promise((resolve) => socket.once('open', resolve));
  await followed(service.sim, task);
  service.sim.release(task);
  await Promise.all([seen.ended, new Promise((resolve) => socket.once('close', resolve))]);

  const stages = videos(seen.events).map(({ stage }) => stage);
  expect([...new Set(stages)]).toEqual([
    ...[
      'task_queue',
      'task_accept',
      'task_preprocess_start',
      'task_preprocess_end',
      'task_assign',
      'task_start',
    ],
    ...['task_output', 'task_output_full', 'task_end', 'task_postprocess_start', 'storing', 'done'],
  ]);
  const progress = videos(seen.events).map((video) => video.progress);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(videos(seen.events).some(({ progress_source }) => progress_source === 'upstream')).toBe(true);
  expect(lines(seen.events)).toEqual([
    { stream: 'stdout', text: 'Loading model' },
    { stream: 'stderr', text: 'Warning: the safety checker took longer than usual' },
    { stream: 'stdout', text: 'Prompt accepted' },
    { stream: 'stdout', text: 'Generation finished' },
  ]);
  const last = videos(seen.events).at(-1);
  expect(last).toEqual(await service.video(id));
  expect(last.status).toBe('completed');
  const ids = seen.events.map((event) => event.id);
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  const told = JSON.stringify([seen.events, messages]);
  for (const secret of service.sim.secrets()) expect(told).not.toContain(secret);
  const [byStream, bySocket] = sinceAllCame(seen.events, messages);
  expect(byStream?.length).toBeGreaterThan(10);
  expect(bySocket).toEqual(byStream);
});

// A stream whose reader has disconnected is found by the second comment that is not read.
test('Wiro’s socket is open only while a client subscribes', async () => {
  const { id, task } = await submitted('a comet unseen');
  await service.video(id);
  const first = await watch(service, id);
  await followed(service.sim, task);
  const second = await watch(service, id);
  first.leave();
  second.leave();
  await vi.waitUntil(() => service.sim.watchersOf(task) === 0, 50_000);
  service.sim.release(task);
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  expect(callsAbout(service.sim, task, '/socket')).toHaveLength(1);

  const { id: unseen, task: other } = await submitted('a comet that nobody looks at');
  service.sim.release(other);
  await service.ended(unseen);
  expect(callsAbout(service.sim, other, '/socket')).toEqual([]);
});

test('a finished video sends one event, and a reconnecting browser gets 204', async () => {
  const { id, task } = await submitted('a comet long gone');
  service.sim.release(task);
  const done = await service.ended(id);
  const seen = await watch(service, id);
  await seen.ended;
  expect(seen.events).toEqual([{ id: expect.any(Number), event: 'video', data: done }]);
  expect((await watch(service, id, seen.events[0]!.id)).status).toBe(204);
  // Unknown event ids: the stream starts with the current Video.
  for (const odd of [1, Number.MAX_SAFE_INTEGER]) {
    const again = await watch(service, id, odd);
    await again.ended;
    expect(again.events).toEqual(seen.events);
  }
  await expectProblem(await service.fetch(`/v1/videos/vid_${'a'.repeat(40)}/events`), [404, 'not_found']);
});

test('line ends of Unicode are escaped in the stream', async () => {
  const prompt = 'a comet\u2028in two\u2029lines\u0085or three';
  service.sim.script(prompt, { holdAt: 'task_queue' });
  const { id } = await service.accepted({ prompt, metadata: { note: 'a\u2028b\u2029c\u0085d' } });
  const socket = new WebSocket(`${service.origin.replace('http', 'ws')}/v1/videos/${id}/events`);
  const message = new Promise<string>((resolve) => socket.once('message', (text) => resolve(String(text))));
  const stream = await service.fetch(`/v1/videos/${id}/events`);
  const bySocket = await message;
  await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  const byStream = await stream.text();
  for (const sent of [bySocket, byStream]) {
    expect(sent).toContain('\\u2028');
    expect(sent).not.toMatch(/[\u2028\u2029\u0085]/);
  }
  const [first = ''] = byStream.split('\n\n');
  for (const { metadata, input } of [JSON.parse(bySocket).data, eventOf(first).data]) {
    expect(metadata).toEqual({ note: 'a\u2028b\u2029c\u0085d' });
    expect(input.prompt).toContain('a comet');
  }
});

test('a deletion ends the stream', async () => {
  const { id } = await submitted('a comet erased');
  const seen = await watch(service, id);
  await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  await seen.ended;
  expect((await watch(service, id)).status).toBe(404);
});

describe.concurrent('a socket that is', () => {
  const faults: [SocketFault][] = [['refuse'], ['drop'], ['silent'], ['garbage'], ['noPercent']];
  test.for(faults)('%s: subscribers get the correct events, and the video completes', async ([socket]) => {
    const { id, task } = await submitted(`a comet, ${socket}`, { socket });
    const seen = await watch(service, id);
    await followed(service.sim, task);
    service.sim.release(task);
    await seen.ended;
    const states = videos(seen.events);
    expect(states.at(-1)).toMatchObject({ status: 'completed', stage: 'done', progress: 100 });
    const progress = states.map((video) => video.progress);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });
});
