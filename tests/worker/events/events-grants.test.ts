// `urls.events` where there are client tokens: a browser's EventSource and WebSocket can send no token, and the link opens
// them without one.
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket as SocketClient } from 'ws';
import { CHROMIUM, OFFLINE } from '../../chromium.ts';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { followed } from '../support/upstream-calls.ts';

const LISTED = 'https://app.example';
const STRANGE = 'https://elsewhere.example';

let service: Service;
let alice: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  alice = service.as(ALICE);
});
afterAll(() => service?.close());

/** A video whose job waits at Wiro until it is released. */
async function held(prompt: string, by = alice): Promise<{ video: Video; release(): Promise<void> }> {
  by.sim.script(prompt, { holdAt: 'task_start' });
  const video = await by.accepted({ prompt });
  const release = async () => {
    const task = await by.sim.waitForTask(prompt);
    await followed(by.sim, task);
    by.sim.release(task);
  };
  return { video, release };
}

const socketOf = (link: string) => link.replace(/^http/, 'ws');

describe.skipIf(!existsSync(CHROMIUM))(
  'a page of another origin, which has no token (needs Chromium)',
  () => {
    let browser: Browser;
    let server: Server;
    /** A page of another origin. */
    let elsewhere: string;
    beforeAll(async () => {
      server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<title>elsewhere</title>');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
    });
    afterAll(async () => {
      await browser?.close();
      server?.close();
    });

    test('sees the whole life by EventSource and by WebSocket, and plays the video', async () => {
      const { video, release } = await held('a kite on a long string');
      const page = await browser.newPage();
      await page.goto(elsewhere);
      const open = await page.evaluateHandle(
        async ([link, socketLink]) => {
          const bySource: string[] = [];
          const bySocket: string[] = [];
          let last: unknown;
          const source = new EventSource(link);
          const socket = new WebSocket(socketLink);
          source.addEventListener('video', ({ data }) => bySource.push(JSON.parse(data).status));
          const sourceEnds = new Promise<void>((resolve) => {
            source.addEventListener('error', () => source.readyState === EventSource.CLOSED && resolve());
          });
          socket.addEventListener('message', (message) => {
            const { type, data } = JSON.parse(message.data);
            if (type !== 'video') return;
            bySocket.push(data.status);
            last = data;
          });
          const socketEnds = new Promise<number>((resolve) => {
            socket.addEventListener('close', ({ code }) => resolve(code));
          });
          const opened = [source, socket].map(
            (target) => new Promise((resolve) => target.addEventListener('open', resolve)),
          );
          await Promise.all(opened);
          const all = Promise.all([sourceEnds, socketEnds]);
          return { ended: all.then(([, code]) => ({ bySource, bySocket, code, last })) };
        },
        [video.urls.events, socketOf(video.urls.events)] as const,
      );
      await release();
      const { bySource, bySocket, code, last } = await open.evaluate(({ ended }) => ended);
      expect([bySource.at(-1), bySocket.at(-1), code]).toEqual(['completed', 'completed', 1000]);
      expect(bySource[0]).not.toBe('completed');
      expect(last).toEqual(await alice.video(video.id));
      const { urls } = last as Video;
      expect(urls.events).toBe(video.urls.events);
      expect((await service.fetch(urls.content!)).status).toBe(200);
    });
  },
);

test('HEAD of it is answered too', async () => {
  const { video, release } = await held('a kite in a calm');
  const head = await service.fetch(video.urls.events, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  expect(head.headers.get('access-control-allow-origin')).toBe('*');
  const watcher = new SocketClient(socketOf(video.urls.events));
  await new Promise((resolve) => watcher.once('open', resolve));
  await release();
  await new Promise((resolve) => watcher.once('close', resolve));
});

test("another video's link, another client's token beside it, and the log", async () => {
  const made = ['a kite', 'a balloon'].map((prompt) => alice.accepted({ prompt: `${prompt} of somebody's` }));
  const [kite, balloon] = (await Promise.all(made)) as [Video, Video];
  for (const { id } of [kite, balloon]) await alice.ended(id);
  const grant = new URL(balloon.urls.events).search;
  expect((await service.fetch(`/v1/videos/${kite.id}/events${grant}`)).status).toBe(401);
  // A wrong grant takes nothing away from the right token, and a right one needs none.
  expect((await alice.fetch(`/v1/videos/${kite.id}/events${grant}`)).status).toBe(200);
  expect((await service.as(BOB).fetch(balloon.urls.events)).status).toBe(200);
  expect(service.logs().filter((line) => line.includes('grant='))).toEqual([]);
});

test('is no good after its video was deleted', async () => {
  const { id, urls } = await alice.accepted({ prompt: 'a kite that tore' });
  await alice.ended(id);
  expect((await service.fetch(urls.events)).status).toBe(200);
  await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  await expect.poll(async () => (await service.fetch(urls.events)).status).toBe(404);
});

test('a page that is not listed opens no socket with it', async () => {
  const choosy = await startService({
    vars: { ALLOWED_ORIGINS: LISTED },
    sim: { speed: 600 },
    secrets: { CLIENT_TOKENS },
  });
  try {
    const { id, urls } = await choosy.as(ALICE).accepted({ prompt: 'a kite behind a fence' });
    await choosy.as(ALICE).ended(id);
    const opened = (origin: string) =>
      new Promise<number>((resolve) => {
        const socket = new SocketClient(socketOf(urls.events), { origin });
        socket.once('open', () => resolve(101)).once('error', () => {});
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      });
    expect([await opened(LISTED), await opened(STRANGE)]).toEqual([101, 403]);
    const headers = { origin: STRANGE };
    const stream = await choosy.fetch(urls.events, { headers });
    // A browser shows it to no page of that origin.
    expect([stream.status, stream.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  } finally {
    await choosy.close();
  }
});
