// When `make dev` uses the real Wiro and costs money.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { devSettings } from '../../scripts/dev-settings.ts';

const KEY = '0123456789abcdef0123456789abcdef';

test('only a real key selects the real Wiro', () => {
  expect(devSettings(undefined)).toEqual({ real: false, lacksSigningKey: true });
  expect(devSettings(`WIRO_API_KEY=\nSIGNING_KEY=${KEY}\n`).real).toBe(false);
  expect(devSettings('# WIRO_API_KEY=abc\n').real).toBe(false);
  expect(devSettings('WIRO_API_KEY=" "\n').real).toBe(false);
  expect(devSettings('WIRO_API_KEY=abc\n')).toEqual({ real: true, lacksSigningKey: true });
  expect(devSettings(`WIRO_API_KEY="abc"\nSIGNING_KEY=${KEY}\n`)).toEqual({
    real: true,
    lacksSigningKey: false,
  });
});

test('a signing key that the Worker would refuse is refused at once', () => {
  expect(() => devSettings('WIRO_API_KEY=abc\nSIGNING_KEY=short\n')).toThrow('at least 32 characters');
});

test('the unchanged example file selects the stand-in', () => {
  const example = readFileSync(new URL('../../.dev.vars.example', import.meta.url), 'utf8');
  expect(devSettings(example)).toEqual({ real: false, lacksSigningKey: true });
});
