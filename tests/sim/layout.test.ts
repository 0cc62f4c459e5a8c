// The imports of sim/, including type imports, have no cycle.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const SIM = new URL('../../sim/', import.meta.url);

function importsOf(file: string): string[] {
  const text = readFileSync(new URL(file, SIM), 'utf8');
  return [...text.matchAll(/^(?:import|export|\}).*from '\.\/([^']+)';$/gm)].flatMap(
    ([, path]) => path ?? [],
  );
}

/** The files of a circle in order, the first one again at the end; undefined if there is none. */
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
  const files = readdirSync(SIM).filter((name) => name.endsWith('.ts'));
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  expect(graph.get('index.ts')).toContain('wiro.ts');
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
