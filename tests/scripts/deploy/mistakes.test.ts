// What is said of each mistake in the settings, by the Worker's own rules, and that nothing is sent then.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkSettings } from '../../../scripts/deploy/check-settings.ts';
import { projectConfig } from '../../../scripts/deploy/worker-config.ts';
import { root } from '../../../scripts/shared/worker-process.ts';
import { COMPLETE, Deployer } from './deployment.ts';

const { vars: defaults } = projectConfig();

describe('checked with the Worker’s own rules', () => {
  test('the project’s settings are valid, and open to everybody', async () => {
    const { CLIENT_TOKENS: _, ...secrets } = COMPLETE;
    expect(await checkSettings(defaults, secrets, [])).toEqual({
      problems: [],
      protection: 'none',
      warnings: ['anyone can submit videos: set CLIENT_TOKENS or TURNSTILE_SECRET'],
    });
  });

  test('what the Worker refuses is named, one setting each, without its value', async () => {
    const wrong = {
      RETENTION_DAYS: '30d',
      MAX_ACTIVE: 'many',
      DAILY_BUDGET_USD: '20 dollars',
      POLL_SECONDS: ['30', 'x'],
      NOTIFY_URL: 'http://intranet/hook',
      MODELS: 'hailuo-99',
      PURGE_UPSTREAM: { never: true },
    };
    const secrets = { ...COMPLETE, OPERATOR_TOKEN: 'short-s3cret', CLIENT_TOKENS: '{"alice": 7}' };
    const { problems } = await checkSettings({ ...defaults, ...wrong }, secrets, ['NOTIFY_SECRET']);
    const named = problems.map((problem) => problem.split(' ')[0]);
    expect(named.sort()).toEqual([...Object.keys(wrong), 'OPERATOR_TOKEN', 'CLIENT_TOKENS'].sort());
    expect(problems).toContain(
      'RETENTION_DAYS must be a number of days above 0 and up to 36500, such as 30 or 0.5',
    );
    expect(problems.join()).not.toMatch(/s3cret|30d|hailuo-99/);
  });

  test('a secret that the Worker has already counts, one that is sent counts more', async () => {
    const vars = { ...defaults, NOTIFY_URL: 'https://ops.example/hook', TURNSTILE_SITE_KEY: 'k' };
    const [missing, present, wrong] = await Promise.all([
      checkSettings(vars, {}, []),
      checkSettings(vars, {}, ['NOTIFY_SECRET', 'TURNSTILE_SECRET', 'WIRO_API_KEY', 'SIGNING_KEY']),
      checkSettings(vars, { NOTIFY_SECRET: 'x' }, ['NOTIFY_SECRET', 'TURNSTILE_SECRET']),
    ]);
    expect(missing.problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^NOTIFY_SECRET is not set/),
        expect.stringMatching(/^TURNSTILE_SECRET is not set/),
      ]),
    );
    expect(present).toMatchObject({ problems: [], protection: 'turnstile' });
    expect(wrong.problems).toEqual([expect.stringMatching(/^NOTIFY_SECRET /)]);
  });
});

describe('make deploy', () => {
  let deployer: Deployer;
  beforeEach(async () => {
    deployer = await Deployer.start();
  });
  afterEach(() => deployer.close());

  test('names and duplicates are refused before Cloudflare is asked at all', async () => {
    await deployer.settings('[vars]\nDAILY_BUDGET = "20"\nWIRO_API_KEY = "s3cret-in-a-var"\n');
    await deployer.secrets({
      ...COMPLETE,
      CLIENT_TOKENS: '{"alice": "s3cret-token-of-alice", "alice": "s3cret-token-of-nobody"}',
      OPERATOR_TOKENS: 's3cret-of-the-operator-0001',
    });
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toContain('Nothing was sent. Correct these settings:');
    expect(output).toContain('DAILY_BUDGET is no setting of the Worker; did you mean DAILY_BUDGET_USD?');
    expect(output).toContain('settings.toml: WIRO_API_KEY is a secret');
    expect(output).toContain('OPERATOR_TOKENS is no secret of the Worker; did you mean OPERATOR_TOKEN?');
    expect(output).toContain('CLIENT_TOKENS names alice twice');
    expect(output).not.toContain('s3cret');
    expect(deployer.cloudflare.calls).toEqual([]);
  });

  test('a value that the Worker would refuse is refused before anything is sent', async () => {
    await deployer.settings('[vars]\nRETENTION_DAYS = "30d"\n');
    await deployer.secrets({ ...COMPLETE, CLIENT_TOKENS: '{"alice": "short"}' });
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toContain('Warning: CLIENT_TOKENS: alice has a token of fewer than 16 characters');
    expect(output).toContain(
      'Nothing was sent. Correct these settings:\n  RETENTION_DAYS must be a number of days',
    );
    expect(deployer.cloudflare.writes).toEqual([]);
  });

  test('CHECK=1 says who may spend and what is left to do, and sends nothing', async () => {
    await deployer.settings('[vars]\nMAX_ACTIVE = 3\n');
    const script = spawn(process.execPath, ['scripts/deploy.ts'], {
      cwd: root,
      env: { ...deployer.environment, CHECK: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, [exitCode]] = await Promise.all([text(script.stdout), once(script, 'exit')]);
    expect(exitCode).toBe(0);
    expect(output).toContain('EVERYBODY who finds the URL');
    expect(output).toContain('10 submits a minute for each address');
    expect(output).toContain('at once    3 jobs');
    expect(output).toContain('DAILY_BUDGET_USD is not set');
    // Protection, budget and operator come before the key that spends.
    const order = [
      'Decide who may submit',
      'DAILY_BUDGET_USD = "20"',
      'OPERATOR_TOKEN, from',
      'WIRO_API_KEY, of',
    ];
    const places = order.map((step) => output.indexOf(step));
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(output).toContain('Nothing was sent: CHECK=1.');
    expect(deployer.cloudflare.writes).toEqual([]);
  });
});
