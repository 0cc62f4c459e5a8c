// As many subscribers of one video as it admits, and events that come faster than they are read.
import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareService, startBare } from '../support/bare.ts';
import { watch } from '../support/event-source.ts';
import { followed } from '../support/upstream-calls.ts';

const MAX_STREAMS = 1000;
const OPENING = 50;
const STATUSES = [
  'task_queue',
  'task_accept',
  'task_assign',
  'task_start',
  'task_end',
  'task_postprocess_end',
];

let service: BareService;
beforeAll(async () => {
  // Events before the end can only come from the socket.
  service = await startBare({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30 } });
});
afterAll(() => service.close());

interface Client {
  response: IncomingMessage;
  text: string;
  pieces: number;
  /** Resolves with whether the stream was complete. */
  ended: Promise<boolean>;
}

function opened(id: string, headers: Record<string, string> = {}): Promise<Client> {
  return new Promise((resolve, reject) => {
    const request = get(`${service.origin}/v1/videos/${id}/events`, { agent: false, headers }, (response) => {
      const client: Client = { response, text: '', pieces: 0, ended: Promise.resolve(false) };
      client.ended = new Promise((end) => response.once('close', () => end(response.complete)));
      response.on('error', () => {});
      response.on('data', (chunk: Buffer) => {
        client.text += chunk.toString('latin1');
        client.pieces += 1;
        resolve(client);
      });
      response.once('end', () => resolve(client));
    });
    request.once('error', reject);
  });
}

/** Opens so many at a time. */
async function openedInTurn(id: string, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let opening = OPENING; clients.length < count; opening = Math.min(OPENING, count - clients.length)) {
    clients.push(...(await Promise.all(Array.from({ length: opening }, () => opened(id)))));
  }
  return clients;
}

test(`${MAX_STREAMS} subscribers get every event, and one more is refused`, async () => {
  const prompt = `a comet for a crowd, ${randomUUID()}`;
  service.sim.script(prompt, { holdAt: 'task_accept', task: { statuses: STATUSES } });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  const clients = await openedInTurn(id, MAX_STREAMS);
  await followed(service.sim, task);

  const more = await watch(service, id);
  expect(more.status).toBe(429);
  expect(Number(more.headers.get('retry-after'))).toBeGreaterThan(0);
  // One leaves, so one more may come.
  clients.pop()?.response.destroy();
  const next = async () => {
    const watched = await watch(service, id);
    watched.leave();
    return watched.status;
  };
  await expect.poll(next, { timeout: 30_000 }).toBe(200);

  service.sim.release(task);
  const complete = await Promise.all(clients.map(({ ended }) => ended));
  expect(complete.filter((is) => !is)).toEqual([]);
  const last = clients.map(({ text }) => text.trimEnd().split('\n\n').at(-1) ?? '');
  expect(new Set(last).size).toBe(1);
  expect(last[0]).toContain('"status":"completed"');
});

test('missed events come in a few pieces', async () => {
  const prompt = `a chatty comet, ${randomUUID()}`;
  service.sim.script(prompt, { holdAt: 'task_queue', socket: 'chatty' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  const first = await watch(service, id);
  await followed(service.sim, task);
  service.sim.release(task);
  await first.ended;
  const resumed = await opened(id, { 'last-event-id': `${first.events[0]?.id}` });
  expect(await resumed.ended).toBe(true);
  const events = resumed.text.trimEnd().split('\n\n').length;
  expect(events).toBe(first.events.length - 1);
  expect(events).toBeGreaterThan(300);
  console.info(`${events} events in ${resumed.pieces} pieces`);
  // Of 16 KiB each; the network may divide them.
  expect(resumed.pieces).toBeLessThan(events / 10);
});
