// Which files a page loads: those whose size counts for its limit.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/shared/worker-process.ts';
import { filesOfPage } from '../../scripts/sizes/page-files.ts';

test('a page loads its links, scripts and images, and what they import', () => {
  const files: Record<string, string> = {
    'page.html': `<link rel="icon" href="/icon.svg" /><link href="a/style.css" />
      <script type="module" src="a/main.js"></script><script src="https://elsewhere.example/x.js"></script>
      <a href="large.json">not loaded</a><img alt="" src="icon.svg" />`,
    'a/main.js': `import { b } from './b.js';\nimport {\n  c,\n} from '../c.js';\n// import { d } from './d.js'\n`,
    'a/b.js': `export { main } from './main.js';\n`,
  };
  const found = filesOfPage('page.html', (name) => files[name] ?? '');
  expect(found.sort()).toEqual(['a/b.js', 'a/main.js', 'a/style.css', 'c.js', 'icon.svg', 'page.html']);
});

test.for([
  ['index.html', 'page'],
  ['operator.html', 'operator'],
] as const)('%s loads every module of its folder, and names each of its files once', ([page, folder]) => {
  const read = (name: string) => readFileSync(join(root, 'public', name), 'utf8');
  const found = filesOfPage(page, read);
  expect(found.filter((name) => !existsSync(join(root, 'public', name)))).toEqual([]);
  const modules = readdirSync(join(root, 'public', folder)).map((name) => `${folder}/${name}`);
  expect(modules.filter((name) => !found.includes(name))).toEqual([]);
  // Modules that are not preloaded are loaded one after the other.
  const preloaded = [
    ...read(page).matchAll(/<(?:link rel="modulepreload"|script)[^>]* (?:href|src)="\/?([^"]+)"/g),
  ];
  const scripts = found.filter((name) => name.endsWith('.js')).sort();
  expect(preloaded.map(([, name]) => name).sort()).toEqual(scripts);
});
