// The erasure of a client: its token, its videos (running ones are stopped), its pictures, and Wiro's files of them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, INVALID_PARAMETER } from '../support/refusals.ts';
import { picture } from '../support/requests/pictures.ts';
import { fileAt, filePart, uploaded } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';
import { clientNamed, makeClient, OPERATOR_TOKEN, operate, operated } from './operator.ts';

interface Erasure {
  name: string;
  deleted: boolean;
  videos: { matched: number; done: number; failed: object[]; has_more: boolean };
  uploads_at_wiro: string[];
  has_more: boolean;
}

let service: Service;
beforeAll(async () => {
  service = await startService({ secrets: { CLIENT_TOKENS, OPERATOR_TOKEN }, sim: { speed: 600 } });
});
afterAll(() => service?.close());

/** The answer has Wiro's ids of files, which only the operator may see: it is not searched for leaks. */
async function erase(name: string): Promise<Erasure> {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const url = `${service.origin}/operator/clients/${name}?videos=true`;
  const answer = await fetch(url, { method: 'DELETE', headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Erasure;
}

async function storedKeys(): Promise<string[]> {
  const [records, files] = await Promise.all([service.bindings.TASKS.list(), service.bindings.VIDEOS.list()]);
  return [...records.keys.map(({ name }) => name), ...files.objects.map(({ key }) => key)];
}

test('removes everything of a client, at Wiro too, and nothing of others', async () => {
  const carol = await makeClient(service, 'carol');
  const alice = service.as(ALICE);
  const kept = await alice.accepted({ prompt: 'a photograph of alice' });
  await alice.ended(kept.id);
  const [used, unused, foreign] = [
    await uploaded(carol, filePart(picture('image/png', 5000))),
    await uploaded(carol, filePart(picture('image/png', 6000))),
    await uploaded(alice, filePart(picture('image/png', 7000))),
  ];
  const ids: string[] = [];
  for (const url of [used.url, used.url, foreign.url]) {
    const submit = { prompt: `a photograph of carol, number ${ids.length}`, inputImageFirstUrl: url };
    const { id } = await carol.accepted(submit);
    await carol.ended(id);
    ids.push(id);
  }
  service.sim.script('a photograph that is still', { holdAt: 'task_start' });
  const running = await carol.accepted({ prompt: 'a photograph that is still developed' });
  ids.push(running.id);
  const task = await service.sim.waitForTask('a photograph that is still');
  await task.reached('task_start');

  const erased = await erase('carol');
  expect(erased).toMatchObject({
    ...{ name: 'carol', deleted: true, has_more: false },
    videos: { matched: 4, done: 4, failed: [] },
  });
  expect((await carol.fetch('/v1/videos')).status).toBe(401);
  expect(await clientNamed(service, 'carol')).toBeUndefined();
  // The data go in the background.
  await expect
    .poll(storedKeys, { timeout: 30_000 })
    .not.toContainEqual(expect.stringMatching(new RegExp(`${ids.join('|')}|carol`)));
  await expect.poll(() => task.ended, { timeout: 30_000 }).toBeTruthy();
  await expect.poll(() => service.sim.files.find(({ url }) => url === used.url)?.deleted).toBe(true);
  const purges = () => service.sim.callsTo('/Task/InputOutputDelete').filter(({ status }) => status === 200);
  // Both jobs with the client's own picture and the one that was stopped, but not the one with alice's picture.
  await expect.poll(() => purges().length, { timeout: 30_000 }).toBe(3);
  expect(fileAt(service, foreign.url).deleted).toBe(false);
  // Wiro deletes files only with the job that used them, so the operator hears of the rest.
  const left = await erase('carol');
  expect(left).toMatchObject({ deleted: true, videos: { matched: 0, done: 0 }, has_more: false });
  expect(left.uploads_at_wiro).toEqual([fileAt(service, unused.url).id]);
  expect((await alice.video(kept.id)).status).toBe('completed');
});

test('a client of the settings stays, without its videos', async () => {
  const alice = service.as(ALICE);
  expect(await erase('alice')).toMatchObject({ name: 'alice', deleted: false, has_more: false });
  expect(await (await alice.fetch('/v1/videos')).json()).toMatchObject({ data: [] });
  const { id } = await alice.accepted({ prompt: 'a photograph after all others' });
  await alice.ended(id);
});

test('only true and false are understood', async () => {
  await makeClient(service, 'dora');
  await expectProblem(await operate(service, 'DELETE', 'clients/dora?videos=yes'), INVALID_PARAMETER);
  expect(await clientNamed(service, 'dora')).toBeDefined();
  expect(await operated(service, 'DELETE', 'clients/dora?videos=false')).toEqual({
    name: 'dora',
    deleted: true,
  });
});
