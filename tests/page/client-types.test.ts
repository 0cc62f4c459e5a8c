// The declarations in public/ are what the compiler makes of the JavaScript, and enough for a project that compiles none.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { declarations, TYPED_FILES, typesPath } from '../../scripts/client-types.ts';
import { root } from '../../scripts/shared/worker-process.ts';

test.for(TYPED_FILES)('%s.d.ts is up to date (node scripts/client-types.ts writes it)', async (name) => {
  expect(await readFile(typesPath(name), 'utf8')).toBe(await declarations(name));
});

const APP = `
import { get, type Options, run, submit, type Video, VideoError, watch } from './client.js';

const options: Options = { base: 'https://videos.example.com', token: process.env.TOKEN };
const video: Video = await submit({ prompt: 'p', duration: 6, resolution: undefined }, { ...options, key: 'k' });
for await (const event of watch(video.id, options)) {
  if (event.type === 'log') console.log(event.text.length);
  if (event.type === 'video' && event.video.error) console.log(event.video.error.code);
}
try {
  const { urls } = await run({ prompt: 'p' }, { ...options, onEvent: (event) => console.log(event.type) });
  const content: string | null = urls.content;
  console.log(content, await get(video, options));
} catch (error) {
  if (error instanceof VideoError) console.log(error.key, error.cause, error.video?.status);
}
`;

const WRONG = `import { submit } from './client.js';\nawait submit({ prompt: 7 });\n`;

test('a strict TypeScript project compiles without allowJs, and wrong calls are errors', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-app-'));
  const compile = (name: string) => {
    const target = ['--target', 'es2024', '--lib', 'es2024,dom,dom.iterable', '--module', 'nodenext'];
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'];
    const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
    const tsc = join(root, 'node_modules/.bin/tsc');
    return promisify(execFile)(tsc, ['--ignoreConfig', ...target, ...strict, ...types, name], {
      cwd: folder,
    });
  };
  try {
    for (const name of ['client.js', 'client-wire.js', 'client.d.ts'])
      await copyFile(join(root, 'public', name), join(folder, name));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'app.ts'), APP);
    await writeFile(join(folder, 'wrong.ts'), WRONG);
    expect((await compile('app.ts')).stdout).toBe('');
    await expect(compile('wrong.ts')).rejects.toMatchObject({ stdout: expect.stringContaining('TS2322') });
    // The same without the type declarations.
    await rm(join(folder, 'client.d.ts'));
    await expect(compile('app.ts')).rejects.toMatchObject({ stdout: expect.stringContaining('TS7016') });
  } finally {
    await rm(folder, { recursive: true });
  }
});
