// `node scripts/client-types.ts`: writes public/client.d.ts and public/ai-sdk.d.ts, which are what the compiler reads in the
// comments of public/client.js and public/ai-sdk.js.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './shared/worker-process.ts';

/** Where the declarations of a file of public/ lie. */
export const typesPath = (name: TypedFile): string => join(root, `public/${name}.d.ts`);

export const TYPED_FILES = ['client', 'ai-sdk'] as const;
export type TypedFile = (typeof TYPED_FILES)[number];

/** The current declarations. Throws the errors of the compiler. */
export async function declarations(name: TypedFile): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-types-'));
  try {
    const options = ['--allowJs', '--checkJs', '--strict', '--declaration', '--emitDeclarationOnly'];
    // Not those of npm's packages.
    const target = ['--skipLibCheck', '--target', 'es2024', '--lib', 'es2024,dom,dom.iterable'];
    const modules = ['--module', 'nodenext', '--rootDir', join(root, 'public'), '--outDir', folder];
    await promisify(execFile)(
      join(root, 'node_modules/.bin/tsc'),
      ['--ignoreConfig', ...options, ...target, ...modules, join(root, `public/${name}.js`)],
      { cwd: root },
    );
    return await readFile(join(folder, `${name}.d.ts`), 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main)
  for (const name of TYPED_FILES) await writeFile(typesPath(name), await declarations(name));
