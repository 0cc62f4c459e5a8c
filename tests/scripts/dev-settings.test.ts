// When `make dev` uses the real Wiro and costs money, and which settings of `.dev.vars` apply.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appliedSettings, devSettings, ownDevSettings, standInSettings } from '../../scripts/dev-settings.ts';

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

  test("a deployer's own settings count below those of the file, as the Worker reads them", () => {
    const settings = devSettings('MAX_ACTIVE=2\n');
    const own = {
      ...{
        MAX_ACTIVE: 5,
        DAILY_BUDGET_USD: 7.5,
        PURGE_UPSTREAM: true,
        ALLOWED_ORIGINS: ['https://a.example', 'x'],
      },
      ...{
        PRICES_USD: { '768P/6': '0.28', '768P/10': 0.5 },
        CLIENT_TOKENS: { a: 'b' },
        MODELS: '',
        POLL_SECONDS: '9',
      },
    };
    const { applied, left } = ownDevSettings(own, settings);
    expect(applied).toEqual({
      ...{ DAILY_BUDGET_USD: '7.5', PURGE_UPSTREAM: 'true', ALLOWED_ORIGINS: 'https://a.example,x' },
      ...{ PRICES_USD: '768P/6=0.28,768P/10=0.5', CLIENT_TOKENS: '{"a":"b"}', POLL_SECONDS: '9' },
    });
    expect(left).toEqual([]);
    expect(standInSettings(standIn, settings, applied).POLL_SECONDS).toBeUndefined();
  });

  test('what means the deployed Worker is left out: its address, its receiver, its keys and the real Wiro', () => {
    const own = {
      ...{ PUBLIC_URL: 'https://video.example', NOTIFY_URL: 'https://ops.example', TURNSTILE_SITE_KEY: 'k' },
      ...{
        WIRO_API_KEY: 'k',
        WIRO_API_SECRET: 's',
        SIGNING_KEY: KEY,
        TURNSTILE_SECRET: 's',
        OPERATOR_TOKEN: KEY,
      },
    };
    const { applied, left } = ownDevSettings(own, devSettings('NOTIFY_URL=http://127.0.0.1:9/\n'));
    expect(applied).toEqual({ OPERATOR_TOKEN: KEY });
    expect(left).toEqual(
      Object.keys(own)
        .filter((name) => !['OPERATOR_TOKEN', 'NOTIFY_URL'].includes(name))
        .sort(),
    );
  });
});
