// The size of a deployed Worker.
import { gzipSync } from 'node:zlib';
import { columns } from '../shared/terminal.ts';

export interface Module {
  name: string;
  content: Uint8Array;
}

export interface Bundle {
  /** The table, line by line. */
  lines: string[];
  /** Bytes, gzipped. */
  total: number;
  isTooLarge: boolean;
}

/**
 * The modules that are deployed: the scripts, and the wasm that one of them imports. A folder may still hold what an
 * earlier build left, because the name of a wasm file is made of its content.
 */
export function deployedModules(files: Module[]): Module[] {
  const scripts = files.filter(({ name }) => name.endsWith('.js'));
  const code = scripts.map(({ content }) => Buffer.from(content).toString());
  const isImported = (name: string) => code.some((text) => text.includes(name));
  return files.filter(
    (file) => scripts.includes(file) || (file.name.endsWith('.wasm') && isImported(file.name)),
  );
}

/** Sizes, plain and gzipped, with a limit for the gzipped total. */
export function measure(modules: Module[], limit: number): Bundle {
  const sizes = modules.map(({ name, content }) => ({
    name,
    raw: content.length,
    gzipped: gzipSync(content, { level: 9 }).length,
  }));
  const raw = sizes.reduce((sum, size) => sum + size.raw, 0);
  const total = sizes.reduce((sum, size) => sum + size.gzipped, 0);
  const rows = [
    ['', 'bytes', 'gzipped'],
    ...sizes.map((size) => [size.name, figure(size.raw), figure(size.gzipped)]),
    ['total', figure(raw), figure(total)],
    ['limit', '', figure(limit)],
  ];
  return { lines: columns(rows, [1, 2]), total, isTooLarge: total > limit };
}

function figure(count: number): string {
  return count.toLocaleString('en-US');
}
