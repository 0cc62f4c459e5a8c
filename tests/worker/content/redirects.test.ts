// Redirects of the CDN: each one is checked, and only listed hosts are called.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CdnFault, SimTask } from '../../../sim/index.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { storedVideo } from '../support/stored.ts';
import { callsAbout } from '../support/upstream-calls.ts';
import { type ForeignHost, startForeignHost } from './foreign-host.ts';

let service: Service;
let foreign: ForeignHost;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, vars: { COPY_DEADLINE_SECONDS: '8' } });
  foreign = await startForeignHost();
});
afterAll(async () => {
  await foreign.close();
  await service.close();
});

function fetches(task: SimTask): string[] {
  return callsAbout(service.sim, task, '/cdn/').map(({ path }) => path);
}

describe('a redirect to a forbidden URL is not followed, and the copy is retried', () => {
  const strays: [string, () => string][] = [
    ['to a host that is not listed', () => foreign.url],
    ['without a scheme', () => foreign.url.replace('http:', '')],
    ['with the listed host as user', () => foreign.url.replace('//', `//${service.sim.cdnHost}@`)],
    ['to the listed host, with a user', () => service.sim.url.replace('//', '//user:password@')],
    ['to another name of the listed host', () => service.sim.url.replace('127.0.0.1', 'localhost')],
    ['to https where only http is spoken', () => service.sim.url.replace('http:', 'https:')],
    ['to a file', () => 'file:///etc/passwd'],
    ['to data', () => 'data:video/mp4;base64,AAAAIGZ0eXBpc29t'],
    ['to nowhere', () => 'http://'],
  ];

  test.concurrent.each(strays)('%s', async (name, to) => {
    const prompt = `a boat led astray ${name}.`;
    const stray: CdnFault = { kind: 'redirect', to: to() };
    service.sim.script(prompt, { cdn: [stray, stray] });
    const { id } = await service.accepted({ prompt });
    expect((await service.ended(id)).status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
    const task = await service.sim.waitForTask(prompt);
    const { pathname } = new URL(task.outputs[0]?.url ?? '');
    expect(fetches(task)).toEqual([pathname, pathname, pathname]);
    expect(foreign.requests).toEqual([]);
  });

  test('that never changes: storage_failed, and no other host was called', async () => {
    const cdn = Array.from({ length: 1000 }, (): CdnFault => ({ kind: 'redirect', to: foreign.url }));
    service.sim.script('never at home', { cdn });
    const { id } = await service.accepted({ prompt: 'a boat never at home' });
    const video = await service.ended(id, 20_000);
    expect(video).toMatchObject({ status: 'failed', error: { code: 'storage_failed' } });
    expect(await storedVideo(service, id)).toBeUndefined();
    expect(foreign.requests).toEqual([]);
  });

  test('a redirect loop is aborted, and the copy starts again', async () => {
    const cdn = Array.from({ length: 10 }, (_, hop): CdnFault => ({ kind: 'redirect', to: `?hop=${hop}` }));
    service.sim.script('in circles', { cdn });
    const { id } = await service.accepted({ prompt: 'a boat in circles' });
    expect((await service.ended(id)).status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
    const anew = fetches(await service.sim.waitForTask('in circles')).filter((path) => !path.includes('?'));
    expect(anew.length).toBeGreaterThan(1);
  });
});

test('a redirect to a path of a listed host is followed', async () => {
  const cdn = ['?signed=1', '?signed=2'].map((to): CdnFault => ({ kind: 'redirect', to }));
  service.sim.script('by a detour', { cdn });
  const { id } = await service.accepted({ prompt: 'a boat by a detour' });
  expect((await service.ended(id)).status).toBe('completed');
  expect(await storedVideo(service, id)).toEqual(storedSample);
  const task = await service.sim.waitForTask('by a detour');
  const { pathname } = new URL(task.outputs[0]?.url ?? '');
  expect(fetches(task)).toEqual([pathname, `${pathname}?signed=1`, `${pathname}?signed=2`]);
});

test('a redirect to the full URL of a listed host is followed', async () => {
  const prompt = 'a boat sent to a full address';
  service.sim.script(prompt, { holdAt: 'task_postprocess_start' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached('task_postprocess_start');
  service.sim.release(task);
  await task.reached('task_postprocess_end');
  // The URL exists at the very end; the Worker learns it shortly afterwards.
  const { href, pathname } = new URL(task.outputs[0]?.url ?? '');
  service.sim.script(prompt, { cdn: [{ kind: 'redirect', to: `${href}?signed=1` }] });
  expect((await service.ended(id)).status).toBe('completed');
  expect(await storedVideo(service, id)).toEqual(storedSample);
  expect(fetches(task)).toEqual([pathname, `${pathname}?signed=1`]);
});
