// Clients that others generate from /openapi.json: generated here without a warning, checked, and used for everything.
import { existsSync } from 'node:fs';
import { copyFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../worker/support/settings.ts';
import { hasPython, run, runPython, runTool } from './python.ts';
import { expectScenario, type Report, type Scene, startScene, type Target } from './scenario.ts';

const FOLDER = fileURLToPath(new URL('generated', import.meta.url));
const NODE_MODULES = join(FOLDER, 'node_modules');

/** All other codes that a client can meet, beside those of the scenario. */
const REFUSALS = {
  upstream_error: 502,
  not_ready: 409,
  idempotency_key_reused: 422,
  deleted: 410,
  already_finished: 409,
  range_not_satisfiable: 416,
  unsupported_media_type: 415,
  payload_too_large: 413,
  upstream_unavailable: 503,
};

let scene: Scene;
let document: string;
beforeAll(async () => {
  scene = await startScene('typescript', 'python');
  document = join(scene.folder, 'openapi.json');
  await writeFile(document, await (await scene.service.fetch('/openapi.json')).text());
});
afterAll(() => scene.close());

/** What the stand-in does at the prompts of the scenario. */
function script({ prompt }: Target): void {
  const { sim } = scene.service;
  sim.script(`${prompt}, held`, { holdAt: 'task_start' });
  sim.script(`${prompt}, refused by the account`, { run: [{ kind: 'status', status: 402 }] });
  sim.script('', { upload: [{ kind: 'garbage' }] });
}

async function succeeds(program: Promise<{ exitCode: number | null; output: string; errors: string }>) {
  const { exitCode, output, errors } = await program;
  expect(exitCode, `${output}\n${errors}`).toBe(0);
  return output;
}

function expectAll(target: Target, { refusals, ...report }: Report & { refusals: object }): void {
  expect(refusals).toEqual(REFUSALS);
  expectScenario(scene, target, report);
}

test.skipIf(!existsSync(NODE_MODULES))('by openapi-typescript, with openapi-fetch', async () => {
  const target = scene.targetOf('typescript', 'a heron of another type');
  script(target);
  const { folder } = scene;
  await symlink(NODE_MODULES, join(folder, 'node_modules'));
  await succeeds(run('node', [join(FOLDER, 'generate.mjs'), document, join(folder, 'generated.d.ts')]));
  await copyFile(join(FOLDER, 'scenario.ts'), join(folder, 'scenario.ts'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const options = { strict: true, noEmit: true, target: 'es2024', module: 'nodenext', types: ['node'] };
  const compilerOptions = {
    ...options,
    typeRoots: [join(root, 'node_modules/@types')],
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: true,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['scenario.ts'] }));
  await succeeds(run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]));
  const output = await succeeds(run('node', ['scenario.ts', JSON.stringify(target)], folder));
  expectAll(target, JSON.parse(output));
});

describe.skipIf(!hasPython('openapi_python_client'))('by openapi-python-client', () => {
  test('in Python', async () => {
    const target = scene.targetOf('python', 'a heron in another tongue');
    script(target);
    const { folder } = scene;
    const config = join(FOLDER, 'openapi-python-client.yaml');
    const where = ['--path', document, '--output-path', join(folder, 'generated'), '--config', config];
    const args = ['generate', ...where, '--meta', 'none', '--fail-on-warning'];
    await succeeds(runTool('openapi-python-client', args, folder));
    const report = await runPython(join(FOLDER, 'scenario.py'), [folder, JSON.stringify(target)], folder);
    expectAll(target, report as Report & { refusals: object });
  });
});
