// The imports of sim/, including type imports, have no cycle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SIM = fileURLToPath(new URL('../../sim/', import.meta.url));

function importsOf(file: string): string[] {
  const text = readFileSync(join(SIM, file), 'utf8');
  return [...text.matchAll(/^(?:import|export|\}).*from '(\.[^']+)';$/gm)]
    .map(([, path = '']) => join(dirname(file), path))
    .filter((path) => !path.startsWith('..'));
}

/** The files of an import cycle in order, the first one again at the end; undefined if there is none. */
function circle(graph: Map<string, string[]>): string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const used of graph.get(file) ?? []) {
      const found = visit(used, [...path, file]);
      if (found) return found;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return undefined;
}

test('sim/ has no import cycle', () => {
  const files = readdirSync(SIM, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  expect(graph.get('index.ts')).toContain('endpoints/wiro.ts');
  expect(circle(graph)).toBeUndefined();
});

test('an import cycle is found', () => {
  const graph = new Map([
    ['a.ts', ['b.ts', 'c.ts']],
    ['b.ts', []],
    ['c.ts', ['d.ts']],
    ['d.ts', ['b.ts', 'c.ts']],
  ]);
  expect(circle(graph)).toEqual(['c.ts', 'd.ts', 'c.ts']);
});
