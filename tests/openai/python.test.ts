// OpenAI's SDK for Python, where scripts/install-test-packages.sh could install it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { picture } from '../worker/support/requests/pictures.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sampleBytes } from '../worker/support/sample.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { root } from '../worker/support/settings.ts';
import { sha256 } from '../worker/support/stored.ts';

const PYTHON = join(root, '.python', 'bin', 'python');
const SCRIPT = fileURLToPath(new URL('client.py', import.meta.url));
const FRAME = picture('image/png', 5000);

const isThere = (library: string) =>
  existsSync(PYTHON) && spawnSync(PYTHON, ['-c', `import ${library}`]).status === 0;

let service: Service;
let folder: string;
let image: string;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  folder = await mkdtemp(join(tmpdir(), 'hailuo-worker-'));
  image = join(folder, 'frame.png');
  await writeFile(image, FRAME);
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

/** The script's output. */
function run(library: string, prompt: string): Promise<object> {
  const client = spawn(PYTHON, [SCRIPT, library, `${service.origin}/v1`, ALICE, prompt, image]);
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  client.stdout.on('data', (chunk) => output.push(chunk));
  client.stderr.on('data', (chunk) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${library}: ${Buffer.concat(errors)}`));
      resolve(JSON.parse(Buffer.concat(output).toString().trim().split('\n').at(-1) ?? ''));
    });
  });
}

test.skipIf(!isThere('openai'))('OpenAI’s SDK for Python', async () => {
  const prompt = 'a heron by another book';
  expect(await run('openai', prompt)).toEqual({
    status: ['completed', 'completed'],
    fields: [prompt, '6', '1366x768', 'hailuo-2.3'],
    bytes: sampleBytes.length,
    listed: 2,
    deleted: true,
    error: { code: 'invalid_parameter', param: 'seconds', type: 'invalid_request_error' },
    models: ['hailuo-2.3', 'hailuo-2.3-fast'],
  });
  expect(onlyRun(service.sim, `${prompt}, framed`).file?.sha256).toBe(sha256(FRAME));
});
