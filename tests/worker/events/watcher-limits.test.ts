// Subscribers that do not read, that send messages or are too many use limited resources.
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type BareService, startBare } from '../support/bare.ts';
import { watch } from '../support/event-source.ts';
import { MIB } from '../support/requests/pictures.ts';

const RESUMING = 200;
const MAX_SOCKETS = 32;

let service: BareService;
beforeAll(async () => {
  service = await startBare({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30 } });
});
afterAll(() => service.close());

function resumed(id: string, lastEventId: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'last-event-id': lastEventId };
    const request = get(`${service.origin}/v1/videos/${id}/events`, { agent: false, headers }, (response) => {
      response.on('error', () => {});
      resolve(response.pause());
    });
    request.once('error', reject);
  });
}

test(`${RESUMING} subscribers resume and do not read`, async () => {
  const prompt = `a canoe ${'🛶'.repeat(990)}`;
  service.sim.script(prompt, { socket: 'chatty' });
  const { id } = await service.accepted({ prompt });
  const first = await watch(service, id);
  await first.ended;
  const before = service.resident();
  const [{ id: firstId = 0 } = {}] = first.events;
  const all = await Promise.all(Array.from({ length: RESUMING }, () => resumed(id, firstId)));
  // The last one is served, so all before it are too.
  const last = await watch(service, id, firstId);
  await last.ended;
  const growth = (service.resident() - before) / MIB;
  for (const response of all) response.destroy();
  console.info(`${RESUMING} resumes that read nothing: ${growth.toFixed(0)} MiB more`);
  expect(last.events).toEqual(first.events.slice(1));
  expect(growth).toBeLessThan(220);
});

function opened(id: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${service.origin.replace('http', 'ws')}/v1/videos/${id}/events`);
    socket.once('open', () => resolve(socket)).once('error', reject);
  });
}

const closed = (socket: WebSocket) => new Promise<number>((resolve) => socket.once('close', resolve));

async function running(prompt: string): Promise<string> {
  service.sim.script(prompt, { holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt });
  return id;
}

test('a client’s socket that sends messages is closed', async () => {
  const id = await running('a parrot');
  const [small, large] = await Promise.all([opened(id), opened(id)]);
  const codes = Promise.all([closed(small), closed(large)]);
  for (let message = 0; message < 17; message++) small.send('hello');
  large.send('x'.repeat(1024));
  expect(await codes).toEqual([1008, 1009]);
});

test(`above ${MAX_SOCKETS} sockets the oldest is closed`, async () => {
  const id = await running('a flock of parrots');
  const oldest = await opened(id);
  const code = closed(oldest);
  const others = await Promise.all(Array.from({ length: MAX_SOCKETS }, () => opened(id)));
  expect(await code).toBe(1013);
  for (const socket of others) socket.close();
});

/** A socket that talks until it is closed, and never answers that: its connection stays. */
function closedUnanswered(id: string): Promise<Socket> {
  const { hostname, port } = new URL(service.origin);
  const hello = [
    `GET /v1/videos/${id}/events HTTP/1.1`,
    `Host: ${hostname}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  // A text of one byte, masked with zeros.
  const message = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x2e]);
  const policyViolation = Buffer.from([0x88, 0x02, 0x03, 0xf0]);
  return new Promise((resolve, reject) => {
    const connection = connect(Number(port), hostname, () => {
      connection.write(`${hello.join('\r\n')}\r\n\r\n`);
    });
    let received = Buffer.alloc(0);
    connection.once('data', () => {
      for (let count = 0; count < 17; count++) connection.write(message);
    });
    connection.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (received.includes(policyViolation)) resolve(connection);
    });
    connection.once('error', reject).once('close', () => reject(new Error('the connection was closed')));
  });
}

test('closed sockets that do not confirm do not count', async () => {
  const id = await running('a deaf parrot');
  const watching = await opened(id);
  const fate = new Promise<string>((resolve) => {
    watching.once('pong', () => resolve('open')).once('close', (code) => resolve(`closed with ${code}`));
  });
  const deaf: Socket[] = [];
  for (let count = 0; count < MAX_SOCKETS; count++) deaf.push(await closedUnanswered(id));
  watching.ping();
  expect(await fate).toBe('open');
  watching.close();
  for (const connection of deaf) connection.destroy();
});
