// When `make dev` uses the real Wiro and costs money, and which settings of `.dev.vars` apply.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appliedSettings, devSettings, standInSettings } from '../../scripts/dev-settings.ts';

const KEY = '0123456789abcdef0123456789abcdef';

test('only a real key selects the real Wiro', () => {
  expect(devSettings(undefined)).toEqual({ real: false, lacksSigningKey: true, given: [] });
  expect(devSettings(`WIRO_API_KEY=\nSIGNING_KEY=${KEY}\n`)).toEqual({
    real: false,
    lacksSigningKey: false,
    given: ['SIGNING_KEY'],
  });
  expect(devSettings('# WIRO_API_KEY=abc\n').real).toBe(false);
  expect(devSettings('WIRO_API_KEY=" "\n').real).toBe(false);
  expect(devSettings('WIRO_API_KEY=abc\n')).toMatchObject({ real: true, lacksSigningKey: true });
  expect(devSettings(`WIRO_API_KEY="abc"\nSIGNING_KEY=${KEY}\n`)).toMatchObject({
    real: true,
    lacksSigningKey: false,
  });
});

test('a signing key that the Worker would refuse is refused at once', () => {
  for (const devVars of ['WIRO_API_KEY=abc\nSIGNING_KEY=short\n', 'SIGNING_KEY=short\n']) {
    expect(() => devSettings(devVars)).toThrow('at least 32 characters');
  }
});

test('the unchanged example file selects the stand-in', () => {
  const example = readFileSync(new URL('../../.dev.vars.example', import.meta.url), 'utf8');
  expect(devSettings(example)).toEqual({ real: false, lacksSigningKey: true, given: [] });
});

describe('with the stand-in', () => {
  const standIn = {
    WIRO_API_URL: 'http://127.0.0.1:9090/v1',
    WIRO_API_KEY: 'sim',
    WIRO_API_SECRET: 'sim too',
    TURNSTILE_VERIFY_URL: 'http://127.0.0.1:9090/turnstile/v0/siteverify',
  };
  const quick = { POLL_SECONDS: '0.5', RETRY_SECONDS: '0.5,1,2' };

  test('what leads to Wiro leads to the stand-in, the rest of the file counts', () => {
    const settings = devSettings(
      'WIRO_API_URL=https://api.wiro.ai/v1\nWIRO_API_SECRET=s\nPOLL_SECONDS=9\nCLIENT_TOKENS={"a":"b"}\nOPERATOR_TOKEN=\n',
    );
    expect(standInSettings(standIn, settings)).toEqual({ ...standIn, RETRY_SECONDS: quick.RETRY_SECONDS });
    expect(appliedSettings(standIn, settings)).toEqual(['CLIENT_TOKENS', 'POLL_SECONDS']);
  });

  test("a secret of Turnstile's is verified by Turnstile", () => {
    const { TURNSTILE_VERIFY_URL: _, ...ofWiro } = standIn;
    const settings = devSettings('TURNSTILE_SECRET=1x0000000000000000000000000000000AA\n');
    expect(standInSettings(standIn, settings)).toEqual({ ...ofWiro, ...quick });
  });
});
