// Which files of a bundle are deployed, and how they are measured.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { deployedModules, measure } from '../../scripts/sizes/bundle-table.ts';

const file = (name: string, content: string | Uint8Array = '') => ({ name, content: Buffer.from(content) });

test('the bundle consists of the scripts and the wasm that they import', () => {
  const files = [
    file('index.js', 'import m from "./1f-index_bg.wasm";'),
    file('1f-index_bg.wasm'),
    file('0e-index_bg.wasm'),
    file('index.js.map', '0e-index_bg.wasm'),
    file('README.md'),
  ];
  expect(deployedModules(files).map(({ name }) => name)).toEqual(['index.js', '1f-index_bg.wasm']);
});

test('gzipped sizes are summed and compared with the limit', () => {
  const noise = file('a.wasm', randomBytes(10_000));
  const zeros = file('index.js', new Uint8Array(10_000));
  const { total, isTooLarge, lines } = measure([noise, zeros], 11_000);
  expect(total).toBeGreaterThan(10_000);
  expect(total).toBeLessThan(10_200);
  expect(isTooLarge).toBe(false);
  expect(measure([noise, zeros], 10_000).isTooLarge).toBe(true);
  expect(lines).toHaveLength(5);
  expect(lines[3]).toMatch(/^total +20,000 +10,\d{3}$/);
});
