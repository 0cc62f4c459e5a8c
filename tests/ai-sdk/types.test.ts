// public/ai-sdk.d.ts in a strict project that uses the AI SDK, as bundlers resolve modules.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Experimental_VideoModelV4 as VideoModelV4 } from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { createHailuo } from '../../public/ai-sdk.js';
import { root } from '../../scripts/shared/worker-process.ts';

const APP = `
import { createProviderRegistry, experimental_generateVideo as generateVideo } from 'ai';
import { createHailuo, type HailuoProvider, type HailuoVideoOptions } from './ai-sdk.js';

const hailuo: HailuoProvider = createHailuo({ baseURL: 'https://videos.example.com', token: process.env.TOKEN });
const { video, providerMetadata } = await generateVideo({
  model: hailuo.video('hailuo-2.3'),
  prompt: { image: new Uint8Array(1), text: 'p' },
  providerOptions: { hailuo: { promptOptimizer: false, metadata: { shot: '7' } } satisfies HailuoVideoOptions },
});
console.log(video.uint8Array.length, providerMetadata.hailuo?.id);
await generateVideo({ model: createProviderRegistry({ hailuo }).videoModel('hailuo:hailuo-2.3'), prompt: 'p' });
`;

const WRONG = `
import { createHailuo } from './ai-sdk.js';
createHailuo({ token: 7 });
const id: number = createHailuo().video('hailuo-2.3').modelId;
console.log(id);
`;

test('a model has the type that @ai-sdk/provider declares', () => {
  const model: VideoModelV4 = createHailuo({ baseURL: 'https://videos.example.com' }).video('hailuo-2.3');
  expect(model).toMatchObject({ specificationVersion: 'v4', modelId: 'hailuo-2.3', maxVideosPerCall: 1 });
});

test('a strict project compiles without allowJs, and wrong uses are errors', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-ai-sdk-'));
  const compile = (name: string) => {
    const target = ['--target', 'es2024', '--lib', 'es2024,dom,dom.iterable', '--module', 'esnext'];
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'];
    // The types of npm's packages are theirs to mend.
    const modules = ['--moduleResolution', 'bundler', '--skipLibCheck'];
    const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
    const tsc = join(root, 'node_modules/.bin/tsc');
    const options = ['--ignoreConfig', ...target, ...strict, ...modules, ...types, name];
    return promisify(execFile)(tsc, options, { cwd: folder });
  };
  try {
    for (const name of [
      'ai-sdk.js',
      'ai-sdk-wire.js',
      'ai-sdk.d.ts',
      'client.js',
      'client-wire.js',
      'client.d.ts',
    ])
      await copyFile(join(root, 'public', name), join(folder, name));
    // The only package that such a project must have by itself.
    await mkdir(join(folder, 'node_modules'));
    await symlink(join(root, 'node_modules/ai'), join(folder, 'node_modules/ai'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'app.ts'), APP);
    await writeFile(join(folder, 'wrong.ts'), WRONG);
    expect((await compile('app.ts').catch((error) => error)).stdout).toBe('');
    const { stdout } = await compile('wrong.ts').catch((error) => error);
    expect(stdout.match(/wrong\.ts\(\d+,\d+\): error TS\d+/g)).toEqual([
      'wrong.ts(3,16): error TS2322',
      'wrong.ts(4,7): error TS2322',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
