// The commands of docs/incidents.md, played by a shell as they stand there.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { storedSample } from '../worker/support/sample.ts';
import { type Service, type ServiceOptions, startService } from '../worker/support/service.ts';
import { root } from '../worker/support/settings.ts';
import { sha256 } from '../worker/support/stored.ts';

const run = promisify(execFile);
const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const PAGE = readFileSync(join(root, 'docs/incidents.md'), 'utf8');

/** The blocks of commands below each heading. */
const BLOCKS = new Map(
  PAGE.split(/^## /m).map((part) => [
    part.split('\n', 1)[0] ?? '',
    [...part.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block ?? ''),
  ]),
);
const [FUNCTIONS = ''] = BLOCKS.get('# Incidents') ?? [];
const isPlayed = new Set<string>();

let service: Service;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'incident-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const now = () => Math.floor(Date.now() / 1000);

// biome-ignore lint/suspicious/noExplicitAny: the answers of many endpoints
type Answer = any;

/** Runs the nth block of an incident and returns the answer to each of its commands. */
async function type(
  heading: string,
  block: number,
  variables: Record<string, string> = {},
): Promise<Answer[]> {
  const commands = BLOCKS.get(heading)?.[block];
  if (!commands) throw new Error(`${heading} has no block ${block}`);
  isPlayed.add(`${heading} ${block}`);
  const lines = commands.trimEnd().split('\n');
  const script = [FUNCTIONS, ...lines.map((line) => `${line}\nprintf '\\0'`)].join('\n');
  const { stdout } = await run('bash', ['-euc', script], {
    cwd: folder,
    env: { PATH: process.env.PATH, URL: service.origin, OPERATOR_TOKEN, ...variables },
  });
  return stdout.split('\0').slice(0, -1).map(parsed);
}

function parsed(text: string): Answer {
  return text.startsWith('{') ? JSON.parse(text) : text;
}

async function start({ secrets, vars, ...options }: ServiceOptions = {}): Promise<void> {
  service = await startService({
    sim: { speed: 600 },
    ...options,
    vars: { ...vars },
    secrets: { OPERATOR_TOKEN, ...secrets },
  });
  onTestFinished(() => service.close());
}

/** A client that the operator has made, with its token. */
async function client(name: string): Promise<Service> {
  const answer = await service.as(OPERATOR_TOKEN).fetch('/operator/clients', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const { token } = (await answer.json()) as { token: string };
  return service.as(token);
}

test('Wiro is down', async () => {
  const heading = 'Wiro is down';
  await start({ vars: { RETRY_SECONDS: '600', SEARCH_SECONDS: '600', TASK_DEADLINE_SECONDS: '3600' } });
  const carol = await client('carol');
  await service.sweep(now());
  const SINCE = String(now() - 1);
  const down = Array(100).fill({ kind: 'status', status: 502 } as const);
  service.sim.script('', { run: down, list: down });
  const sent = [1, 2, 3];
  for (const n of sent) await carol.accepted({ prompt: `a lighthouse in the fog ${n}` });
  // The dispatcher learns of each lost answer shortly after its submit.
  await expect.poll(async () => (await type(heading, 0))[0].checks.dispatcher.circuit).toBe('open');
  const waiting = await carol.accepted({ prompt: 'a ship in the fog' });
  const [health, queue] = await type(heading, 0);
  expect(health).toMatchObject({
    status: 'degraded',
    checks: { wiro: { error: expect.stringContaining('502') } },
  });
  expect(queue.data).toMatchObject([{ id: waiting.id, client: 'carol', queue_position: 1 }]);

  expect(await type(heading, 1)).toEqual([{ paused: true }]);
  expect((await carol.submit({ prompt: 'one more ship' })).status).toBe(503);

  service.sim.clearScripts();
  const [resumed, failed, redriven] = await type(heading, 2, { SINCE });
  expect(resumed).toEqual({ paused: false });
  expect(failed.data).toEqual([]);
  expect(redriven).toMatchObject({ matched: 0, done: 0, failed: [] });
  expect((await type(heading, 0))[0]).toMatchObject({ checks: { wiro: { status: 'ok' } } });
  expect((await carol.submit({ prompt: 'a ship after the fog' })).status).toBe(202);
  // No Run was sent twice.
  const runs = service.sim.callsTo('/Run/').length;
  expect(runs).toBeLessThanOrEqual(sent.length + 2);
});

test('The balance is empty', async () => {
  const heading = 'The balance is empty';
  await start({ vars: { MAX_ACTIVE: '1' } });
  const carol = await client('carol');
  service.sim.script('a held', { holdAt: 'task_start' });
  await carol.accepted({ prompt: 'a held purse' });
  const waiting = await carol.accepted({ prompt: 'an empty purse' });
  service.sim.script('an empty', { run: [{ kind: 'error', code: 97, message: 'Insufficient balance' }] });
  const held = await service.sim.waitForTask('a held purse');
  await held.reached('task_start');
  service.sim.release(held);
  await carol.ended(waiting.id);
  const [failed, one] = await type(heading, 0, { VIDEO: waiting.id });
  expect(failed.data).toMatchObject([
    { id: waiting.id, error: { code: 'upstream_unavailable' }, cost_usd: null },
  ]);
  expect(one).toMatchObject({
    video: { error: { code: 'upstream_unavailable' } },
    upstream: { task_id: null, last_error: expect.stringContaining('Insufficient balance') },
  });
  expect(service.logs().join()).toContain('its balance is too low; add funds');
});

test('“I paid and have no video”', async () => {
  const heading = '“I paid and have no video”';
  await start({ vars: { COPY_DEADLINE_SECONDS: '1' } });
  const carol = await client('carol');
  const broken = Array(50).fill({ kind: 'status', status: 503 } as const);
  service.sim.script('a parcel', { cdn: broken });
  const answer = await carol.submit({ prompt: 'a parcel that never came' });
  const REQUEST = answer.headers.get('x-request-id') ?? '';
  const { id: VIDEO } = (await answer.json()) as { id: string };
  expect(await carol.ended(VIDEO)).toMatchObject({ error: { code: 'storage_failed' } });

  const [found, one] = await type(heading, 0, { REQUEST, VIDEO });
  expect(found.data).toMatchObject([{ id: VIDEO, client: 'carol', status: 'failed' }]);
  const task = await service.sim.waitForTask('a parcel');
  expect(one).toMatchObject({
    video: { cost_usd: '0.28', error: { code: 'storage_failed' } },
    client: 'carol',
    request_id: REQUEST,
    upstream: { task_id: task.id, last_error: expect.stringContaining('503') },
  });

  service.sim.clearScripts();
  expect(await type(heading, 1, { VIDEO })).toMatchObject([{ id: VIDEO }]);
  await carol.until(VIDEO, ({ status }) => status === 'completed');
  await type(heading, 2, { VIDEO });
  expect(sha256(readFileSync(join(folder, 'video.mp4')))).toBe(storedSample.sha256);
  expect(service.sim.callsTo('/Run/')).toHaveLength(1);
});

test('A token leaked', async () => {
  await start();
  const carol = await client('carol');
  const SINCE = String(now() - 1);
  service.sim.script('a thief', { holdAt: 'task_start' });
  const stolen = await carol.accepted({ prompt: 'a thief at work' });
  const [rotated, made, stopped] = await type('A token leaked', 0, { NAME: 'carol', SINCE });
  expect(made.data).toMatchObject([{ id: stolen.id }]);
  expect(stopped).toMatchObject({ matched: 1, done: 1, failed: [] });
  expect((await carol.submit({ prompt: 'a thief again' })).status).toBe(401);
  expect(await service.as(rotated.token).ended(stolen.id)).toMatchObject({ status: 'cancelled' });
});

test('A client runs away', async () => {
  const heading = 'A client runs away';
  await start({ vars: { MAX_ACTIVE: '1' } });
  const [carol, dave] = [await client('carol'), await client('dave')];
  service.sim.script('a runner', { holdAt: 'task_start' });
  for (let n = 0; n < 4; n += 1) await carol.accepted({ prompt: `a runner ${n}` });
  const other = await dave.accepted({ prompt: 'a walker' });
  const [usage, paused, stopped] = await type(heading, 0, { NAME: 'carol' });
  expect(usage.data).toMatchObject([{ client: 'carol', videos: { submitted: 4 } }, { client: 'dave' }]);
  expect(paused).toMatchObject({ name: 'carol', paused: true });
  expect(stopped).toMatchObject({ matched: 3, done: 3 });
  expect((await carol.submit({ prompt: 'a runner again' })).status).toBe(503);
  const [task] = service.sim.tasks;
  if (!task) throw new Error('no runner runs');
  await task.reached('task_start');
  service.sim.release(task);
  expect(await dave.ended(other.id)).toMatchObject({ status: 'completed' });

  const [limited] = await type(heading, 1, { NAME: 'carol' });
  expect(limited).toMatchObject({ paused: false, daily_usd: '1.00', max_active: 1 });
  expect((await carol.submit({ prompt: 'a slow walk' })).status).toBe(202);
});

test('The month’s bill', async () => {
  const day = new Date().toISOString().slice(0, 10);
  await start();
  const [carol, dave] = [await client('carol'), await client('dave')];
  service.sim.script('a bad', { task: { pexit: '1', outputs: 'none' } });
  for (const prompt of ['a coin', 'a note', 'a bad coin'])
    await carol.ended((await carol.accepted({ prompt })).id);
  const { id } = await dave.accepted({ prompt: 'a cheque' });
  await dave.ended(id);
  await dave.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  const variables = { FROM: `${day.slice(0, 8)}01`, TO: day };
  let rows: Record<string, string>[] = [];
  // The cost reaches the budget shortly after the video's end.
  await expect
    .poll(async () => {
      const [csv] = await type("The month's bill", 0, variables);
      const [head = [], ...lines] = (csv as string)
        .trim()
        .split('\r\n')
        .map((line) => line.split(','));
      rows = lines.map((line) => Object.fromEntries(head.map((name, at) => [name, line[at] ?? ''])));
      return rows.map(({ client, spent_usd }) => [client, spent_usd]);
    })
    .toEqual([
      ['carol', '0.56'],
      ['dave', '0.28'],
    ]);
  const charged = service.sim.tasks.reduce(
    (sum, { succeeded, price }) => sum + (succeeded ? Number(price) : 0),
    0,
  );
  expect(rows.reduce((sum, { spent_usd }) => sum + Number(spent_usd), 0)).toBeCloseTo(charged, 6);
});

test('every command of the page was played', () => {
  const all = [...BLOCKS].flatMap(([heading, blocks]) => blocks.map((_, at) => `${heading} ${at}`));
  expect([...isPlayed, '# Incidents 0'].toSorted()).toEqual(all.toSorted());
});
