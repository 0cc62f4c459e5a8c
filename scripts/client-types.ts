// `node scripts/client-types.ts`: writes public/client.d.ts, which is what the compiler reads in the comments of public/client.js.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './worker-process.ts';

export const CLIENT_TYPES: string = join(root, 'public/client.d.ts');

/** The current declarations. Throws the errors of the compiler. */
export async function clientTypes(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-types-'));
  try {
    const options = ['--allowJs', '--checkJs', '--strict', '--declaration', '--emitDeclarationOnly'];
    const target = ['--target', 'es2024', '--lib', 'es2024,dom,dom.iterable', '--module', 'nodenext'];
    const source = join(root, 'public/client.js');
    await promisify(execFile)(
      join(root, 'node_modules/.bin/tsc'),
      ['--ignoreConfig', ...options, ...target, '--outDir', folder, source],
      { cwd: root },
    );
    return await readFile(join(folder, 'client.d.ts'), 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) await writeFile(CLIENT_TYPES, await clientTypes());
