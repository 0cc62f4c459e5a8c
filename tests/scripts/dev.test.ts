// `make dev` with settings in `.dev.vars`, `settings.toml` and `.secrets` and no Wiro key of its own: they count with the
// stand-in too, also after a restart.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, root } from '../../scripts/shared/worker-process.ts';
import { picture } from '../worker/support/requests/pictures.ts';
import type { Video } from '../worker/support/types.ts';

const TOKEN = 'token-of-a-developer-51d7';
const OPERATOR_TOKEN = 'operator-of-a-developer-3f60b1c9';
const DEV_VARS = `
WIRO_API_KEY=
MODELS=hailuo-2.3,hailuo-2.3-fast
COPY_DEADLINE_SECONDS=1
`;
/** Those of the Worker that is to be deployed. */
const SETTINGS = `
[vars]
DAILY_BUDGET_USD = 7.5
MODELS = ["hailuo-2.3"]
PUBLIC_URL = "https://video.example.com"
`;
const SECRETS = `
WIRO_API_KEY=key-of-the-real-wiro-that-costs-money
CLIENT_TOKENS={"dev": "${TOKEN}"}
OPERATOR_TOKEN=${OPERATOR_TOKEN}
`;
const authorization = `Bearer ${TOKEN}`;

let folder: string;
let port: number;
let environment: NodeJS.ProcessEnv;
let running: Dev | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailuo-worker-dev-'));
  await writeFile(join(folder, 'dev.vars'), DEV_VARS);
  await writeFile(join(folder, 'settings.toml'), SETTINGS);
  await writeFile(join(folder, 'secrets'), SECRETS);
  port = await freePort();
  environment = {
    ...process.env,
    ...{ PORT: `${port}`, DEV_VARS: join(folder, 'dev.vars'), DEV_STATE: join(folder, 'state') },
    ...{ SETTINGS: join(folder, 'settings.toml'), SECRETS: join(folder, 'secrets') },
    // The bundle is there.
    IS_BUILT: '1',
  };
});
afterAll(async () => {
  await running?.stop();
  await rm(folder, { recursive: true, force: true });
});

class Dev {
  readonly #child: ChildProcess;
  /** Its output so far. */
  output = '';

  constructor() {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    this.#child = spawn(process.execPath, ['scripts/dev.ts'], {
      cwd: root,
      env: environment,
      stdio: [...stdio],
    });
  }

  /** Resolves with its output when it answers. */
  async ready(): Promise<string> {
    for await (const chunk of this.#child.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ??
      []) {
      this.output += chunk;
      if (this.output.includes('content ')) break;
    }
    this.#child.stdout?.resume();
    return this.output;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await ended;
  }
}

async function start(): Promise<string> {
  running = new Dev();
  return running.ready();
}

const origin = () => `http://127.0.0.1:${port}`;

async function ask(path: string, init: RequestInit & { headers?: Record<string, string> } = {}) {
  const headers = { authorization, ...init.headers };
  const response = await fetch(`${origin()}${path}`, { ...init, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function upload(bytes: number) {
  const body = new FormData();
  body.set('file', new Blob([picture('image/png', bytes)]), 'a.png');
  return ask('/v1/files', { method: 'POST', body });
}

async function ended(id: string): Promise<Video> {
  for (;;) {
    const { body } = await ask(`/v1/videos/${id}`, { headers: { prefer: 'wait=30' } });
    const video = body as unknown as Video;
    if (!['queued', 'in_progress'].includes(video.status)) return video;
  }
}

const submit = async (prompt: string) => {
  const headers = { 'content-type': 'application/json' };
  const { status, body } = await ask('/v1/videos', {
    method: 'POST',
    headers,
    body: JSON.stringify({ prompt }),
  });
  return { status, id: String(body.id) };
};

test('clients, operator, uploads and a redrive, before and after a restart', async () => {
  const greeting = await start();
  expect(greeting).toContain('In force from .dev.vars: COPY_DEADLINE_SECONDS, MODELS\n');
  expect(greeting).toContain(
    'In force from your own settings: CLIENT_TOKENS, DAILY_BUDGET_USD, OPERATOR_TOKEN\n',
  );
  expect(greeting).toContain('For the deployed Worker only: PUBLIC_URL, WIRO_API_KEY\n');
  expect(greeting).toContain('no cost');
  expect(greeting).not.toContain(TOKEN);
  expect((await ask('/health')).body.protection).toBe('tokens');
  expect((await fetch(`${origin()}/v1/models`)).status).toBe(401);
  expect((await ask('/v1/usage')).body.limit_usd).toBe('7.50');

  const [, standIn = ''] = /stand-in at (\S+?):?\s/.exec(greeting) ?? [];
  const faults = { cdn: Array(50).fill({ kind: 'status', status: 503 }) };
  const headers = { 'content-type': 'application/json' };
  const script = { method: 'POST', headers, body: JSON.stringify({ prompt: 'sinks', faults }) };
  expect((await fetch(`${standIn}/control/script`, script)).ok).toBe(true);
  const { status, id } = await submit('a boat that sinks');
  expect(status).toBe(202);
  expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'storage_failed' } });
  const redrive = spawn(process.execPath, ['scripts/redrive.ts'], {
    cwd: root,
    env: { ...environment, ID: id, URL: origin() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  expect(await text(redrive.stdout)).toMatch(/is tried again; it is \w+\./);
  expect((await upload(5000)).status).toBe(200);

  await running?.stop();
  await start();
  // Larger than what the Worker could send a second time.
  expect((await upload(6 * 1024 * 1024)).status).toBe(200);
  expect((await ask('/v1/videos')).body.data).toMatchObject([{ id }]);
  const fast = await ask('/v1/models/hailuo-2.3-fast');
  expect(fast.body).toMatchObject({ id: 'hailuo-2.3-fast' });
});
