// Checks the documents where a program can: links, settings, endpoints, error codes and log lines.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../scripts/shared/worker-process.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

function filesBelow(folder: string, ending: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
}

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'bench', 'sim'].flatMap((folder) => filesBelow(folder, '.md')),
];

/** The cells of each row of a page's tables. */
function rows(markdown: string): string[][] {
  const lines = markdown.split('\n').filter((line) => line.startsWith('| '));
  return lines.map((line) => line.slice(2, -2).split(' | '));
}

/** The code spans of a text, in one or two backticks. */
const codes = (text: string) =>
  [...text.matchAll(/``(.+?)``|`([^`]+)`/g)].map(([, long, short]) => long ?? short);

/** A page without its examples. */
const prose = (path: string) => read(path).replace(/^```[\s\S]*?^```/gm, '');

/** The anchor that GitHub gives a heading. */
const anchor = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (path: string) =>
  [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading ?? ''));

test.each(pages)('every link in %s has a target', (page) => {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g)].map(
    ([, link, source]) => link ?? source ?? '',
  );
  const dead = links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [path, fragment] = link.split('#');
    const target = path ? relative(root, join(root, dirname(page), path)) : page;
    if (!existsSync(join(root, target))) return true;
    return fragment !== undefined && !anchorsOf(target).includes(fragment);
  });
  expect(dead).toEqual([]);
});

/** Whether a file or folder exists; `*` matches a part of the last name. */
function isThere(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(root, path));
  const name = new RegExp(`^${(path.split('/').at(-1) ?? '').replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`);
  const folder = join(root, dirname(path));
  return existsSync(folder) && readdirSync(folder).some((entry) => name.test(entry));
}

test.each(pages)('every file that %s names exists', (page) => {
  const paths = codes(prose(page)).filter((code) =>
    /^(src|tests|scripts|docs|public|sim|bench|fuzz|examples)\/[^\s{}…]*$/.test(code ?? ''),
  );
  expect(paths.filter((path) => !isThere(path ?? ''))).toEqual([]);
});

describe('docs/configuration.md', () => {
  const settings = rows(read('docs/configuration.md'));
  const rowOf = (name: string) => settings.filter(([first]) => first === `\`${name}\``);

  test('it lists every var once, with its default', () => {
    const vars = [...read('wrangler.toml').matchAll(/^([A-Z][A-Z_]+) = "(.*)"$/gm)];
    expect(vars.length).toBeGreaterThan(10);
    for (const [, name = '', value = ''] of vars) {
      const [row, ...others] = rowOf(name);
      expect({ name, others }).toEqual({ name, others: [] });
      if (value === '')
        expect({ name, shown: row?.[1] }).toEqual({ name, shown: expect.stringContaining('empty') });
      else expect({ name, shown: row?.[1] }).toEqual({ name, shown: `\`${value}\`` });
    }
  });

  test('it lists every secret', () => {
    const list = /const SECRETS: [^=]+= \[([^\]]+)\]/.exec(read('src/config/settings.rs'))?.[1] ?? '';
    const secrets = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? '');
    expect(secrets).toContain('SIGNING_KEY');
    for (const name of secrets) expect({ name, rows: rowOf(name).length }).toEqual({ name, rows: 1 });
  });
});

describe('docs/api.md', () => {
  const api = read('docs/api.md');

  test('it lists every endpoint of openapi.json', () => {
    const { paths } = JSON.parse(read('public/openapi.json')) as { paths: Record<string, object> };
    for (const [path, operations] of Object.entries(paths)) {
      for (const method of Object.keys(operations).filter((name) => name !== 'parameters')) {
        const endpoint = `${method.toUpperCase()} ${path}`;
        const isNamed = new RegExp(`${method.toUpperCase()}[^|\\n]* ${path.replace(/[{}]/g, '\\$&')}\``).test(
          api,
        );
        expect({ endpoint, isNamed }).toEqual({ endpoint, isNamed: true });
      }
    }
  });

  test('its table lists exactly the errors of the code', () => {
    const source = read('src/api/error.rs').split('#[cfg(test)]')[0] ?? '';
    const answered = [...source.matchAll(/\b([45]\d\d),\s*"(\w+)"/g)].map(
      ([, status, code]) => `${status} ${code}`,
    );
    const table = rows(api).filter(([status]) => /^[45]\d\d$/.test(status ?? ''));
    const written = table.map(([status, code]) => `${status} ${codes(code ?? '')[0]}`);
    expect([...new Set(written)].sort()).toEqual([...new Set(answered)].sort());
  });

  test('it lists every reason of a failed video', () => {
    const variants = /pub enum FailureCode \{([^}]+)\}/.exec(read('src/video/record.rs'))?.[1] ?? '';
    const reasons = [...variants.matchAll(/^ {4}([A-Z]\w+),$/gm)].map(([, name]) =>
      (name ?? '').replace(/(?!^)[A-Z]/g, '_$&').toLowerCase(),
    );
    expect(reasons).toContain('storage_failed');
    const firsts = rows(api).map(([first]) => codes(first ?? '')[0]);
    expect(reasons.filter((code) => !firsts.includes(code))).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  const sources = filesBelow('src', '.rs').map(read).join('\n');
  const sectionOf = (heading: string) =>
    read('docs/operations.md').split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = ['Log lines that need you', 'Log lines to watch'].flatMap((heading) =>
    rows(sectionOf(heading)).flatMap(([first]) => codes(first ?? '')),
  );

  test('every log line in it exists in the code', () => {
    expect(lines.length).toBeGreaterThan(40);
    expect(lines.filter((line) => !sources.includes(`"${line}"`) && !sources.includes(`'${line}'`))).toEqual(
      [],
    );
  });

  test('it lists every warning and error of the code', () => {
    const written = [...sources.matchAll(/log::write\(\s*Level::(?:Warn|Error),\s*"([^"]+)"/g)].map(
      ([, line]) => line,
    );
    expect(written.length).toBeGreaterThan(20);
    expect(written.filter((line) => !lines.includes(line))).toEqual([]);
  });
});

test('the README shows the methods of client.js', async () => {
  const imported = /import \{ ([^}]+) \} from '.\/client.js'/.exec(read('README.md'))?.[1]?.split(', ') ?? [];
  expect(imported).toContain('submit');
  const client = await import('../public/client.js');
  expect(imported.filter((name) => !(name in client))).toEqual([]);
});
