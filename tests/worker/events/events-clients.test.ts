// All events of a video in real clients: EventSource and WebSocket of a browser, and curl.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, OFFLINE } from '../../chromium.ts';
import { eventOf, type SeenEvent, sinceAllCame, watch } from '../support/event-source.ts';
import { type Service, startService } from '../support/service.ts';
import { callsAbout } from '../support/upstream-calls.ts';

const CURL = '/usr/bin/curl';

let service: Service;
beforeAll(async () => {
  // Events before the end can only come from the socket.
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 30 } });
});
afterAll(() => service.close());

interface Life {
  id: string;
  /** Lets the job go on. */
  release(): void;
  /** What our own reader saw, once the stream has ended. */
  seen(): Promise<SeenEvent[]>;
}

/** A job that waits at Wiro for whoever else is to watch. */
async function watched(prompt: string): Promise<Life> {
  service.sim.script(prompt, { holdAt: 'task_queue' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  const watcher = await watch(service, id);
  await expect.poll(() => callsAbout(service.sim, task, '/socket').length, { timeout: 30_000 }).toBe(1);
  const seen = async () => {
    await watcher.ended;
    return watcher.events;
  };
  return { id, release: () => service.sim.release(task), seen };
}

describe.skipIf(!existsSync(CHROMIUM))('a browser (needs Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
  });
  afterAll(() => browser?.close());

  test('gets events by EventSource and by WebSocket', async () => {
    const life = await watched('a comet in a window');
    const page = await browser.newPage();
    await page.goto(service.origin);
    const open = await page.evaluateHandle(async (path) => {
      type Seen = { id: number; event: string; data: unknown };
      const bySource: Seen[] = [];
      const source = new EventSource(path);
      for (const event of ['video', 'log']) {
        source.addEventListener(event, ({ lastEventId, data }) =>
          bySource.push({ id: Number(lastEventId), event, data: JSON.parse(data) }),
        );
      }
      // It reconnects once after the end, and gets 204.
      const sourceEnds = new Promise<void>((resolve) => {
        source.addEventListener('error', () => source.readyState === EventSource.CLOSED && resolve());
      });
      const bySocket: Seen[] = [];
      const socket = new WebSocket(new URL(path, location.href.replace('http', 'ws')));
      socket.addEventListener('message', (message) => {
        const { seq, type, data } = JSON.parse(message.data);
        bySocket.push({ id: seq, event: type, data });
      });
      const socketEnds = new Promise<number>((resolve) => {
        socket.addEventListener('close', ({ code }) => resolve(code));
      });
      const opened = [source, socket].map(
        (target) => new Promise((resolve) => target.addEventListener('open', resolve)),
      );
      await Promise.all(opened);
      const ended = Promise.all([sourceEnds, socketEnds]).then(([, code]) => ({ bySource, bySocket, code }));
      return { ended };
    }, `/v1/videos/${life.id}/events`);
    life.release();
    const { bySource, bySocket, code } = await open.evaluate(({ ended }) => ended);
    const [ours, first, ...others] = sinceAllCame(await life.seen(), bySource, bySocket);
    expect(ours?.length).toBeGreaterThan(10);
    expect([first, ...others]).toEqual([ours, ours]);
    expect(code).toBe(1000);
    expect(bySource.at(-1)?.data).toEqual(await service.video(life.id));
  });
});

describe.skipIf(!existsSync(CURL))('a terminal (needs curl)', () => {
  test('gets events by curl -N as they happen', async () => {
    const life = await watched('a comet in a terminal');
    const curl = spawn(CURL, ['-sN', `${service.origin}/v1/videos/${life.id}/events`]);
    let text = '';
    const begun = new Promise((resolve) => curl.stdout.once('data', resolve));
    curl.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const ended = new Promise((resolve) => curl.once('close', resolve));
    // The first event arrives while the job still waits.
    await begun;
    expect(text).toContain('"stage":"task_queue"');
    life.release();
    expect(await ended).toBe(0);
    const blocks = text.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
    const [ours, byCurl] = sinceAllCame(await life.seen(), blocks.map(eventOf));
    expect(ours?.length).toBeGreaterThan(10);
    expect(byCurl).toEqual(ours);
  });
});
