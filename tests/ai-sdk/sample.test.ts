// The program in docs/ai-sdk.md, as it stands, in a project of its own.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../scripts/shared/worker-process.ts';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sampleBytes } from '../worker/support/sample.ts';
import { type Service, startService } from '../worker/support/service.ts';

const PROMPT = 'A paper boat drifts down a rainy street';

let service: Service;
let folder: string;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  folder = await mkdtemp(join(tmpdir(), 'hailuo-sample-'));
  for (const name of ['ai-sdk.js', 'ai-sdk-wire.js', 'client.js', 'client-wire.js'])
    await copyFile(join(root, 'public', name), join(folder, name));
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(root, 'node_modules/ai'), join(folder, 'node_modules/ai'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const page = await readFile(join(root, 'docs/ai-sdk.md'), 'utf8');
  const [, code = ''] = /```js\n(.*?)```/s.exec(page) ?? [];
  await writeFile(join(folder, 'app.js'), code);
});
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true });
});

const run = (token: string) => {
  const env = { PATH: process.env.PATH, HAILUO_URL: service.origin, HAILUO_TOKEN: token };
  return promisify(execFile)(process.execPath, ['app.js'], { cwd: folder, env });
};

test('the sample makes a video and saves it', async () => {
  const { stdout } = await run(ALICE);
  // The stand-in's file has another size than a real one.
  expect(stdout).toMatch(/^Made vid_\w+ for [\d.]+ \[\s+\{[^{}]+'The video is 768x432\.'\s+\}\s+\]\n$/);
  expect(await readFile(join(folder, 'boat.mp4'))).toEqual(sampleBytes);
  expect(onlyRun(service.sim, PROMPT).fields).toMatchObject({ promptOptimizer: 'false', duration: '6' });
});

test('the sample prints why there is no video', async () => {
  const { stderr } = await run('a-token-of-nobody');
  expect(stderr).toMatch(/^No video: unauthorized /);
});
