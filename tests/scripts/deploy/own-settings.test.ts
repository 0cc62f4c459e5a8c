// Which settings of a deployer's own files count, and what is said of the others before anything is sent.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { clientProblems, clientWarnings } from '../../../scripts/deploy/client-tokens.ts';
import { knownSettings, nearestName } from '../../../scripts/deploy/known-settings.ts';
import { readSecrets, readSettings, writeSecrets } from '../../../scripts/deploy/own-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'hailuo-worker-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const known = knownSettings();

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const settings = (toml: string) => readSettings(file('settings.toml', toml), known);
const secrets = (text: string) => readSecrets(file('.secrets', text), known);

test('the settings that the Worker knows are read from its source', () => {
  expect(known.vars).toEqual(expect.arrayContaining(['DAILY_BUDGET_USD', 'WIRO_API_URL', 'NOTIFY_URL']));
  expect(known.secrets).toEqual(expect.arrayContaining(['WIRO_API_KEY', 'SIGNING_KEY', 'CLIENT_TOKENS']));
  expect(known.vars).not.toContain('SIGNING_KEY');
});

test.each([
  ['DAILY_BUDGET', 'DAILY_BUDGET_USD'],
  ['daily_budget_usd', 'DAILY_BUDGET_USD'],
  ['RETENTION_DAY', 'RETENTION_DAYS'],
  ['CLIENT_TOKEN', 'CLIENT_TOKENS'],
  ['CLIENTS_TOKENS', 'CLIENT_TOKENS'],
  ['OPERATOR_KEY', 'OPERATOR_TOKEN'],
  ['COLOUR', undefined],
  ['X', undefined],
])('the nearest setting to %s is %s', (name, nearest) => {
  expect(nearestName(name, [...known.vars, ...known.secrets])).toBe(nearest);
});

test('without the files there are no own settings', () => {
  expect(readSettings(join(folder, 'none.toml'), known)).toEqual({ keys: {}, vars: {}, problems: [] });
  expect(readSecrets(join(folder, 'none'), known)).toEqual({ secrets: {}, problems: [] });
});

test('settings keep their types', () => {
  const toml = 'account_id = "a1"\n[vars]\nDAILY_BUDGET_USD = 7.5\nMODELS = ["hailuo-2.3"]\n';
  expect(settings(toml)).toEqual({
    keys: { account_id: 'a1' },
    vars: { DAILY_BUDGET_USD: 7.5, MODELS: ['hailuo-2.3'] },
    problems: [],
  });
});

describe('a mistake in settings.toml is named', () => {
  test.each([
    [
      '[vars]\nDAILY_BUDGET = "20"',
      'DAILY_BUDGET is no setting of the Worker; did you mean DAILY_BUDGET_USD?',
    ],
    ['[vars]\nCOLOUR = "red"', 'COLOUR is no setting of the Worker'],
    ['[vars]\nSIGNING_KEY = "k"', 'SIGNING_KEY is a secret'],
    ['DAILY_BUDGET_USD = "20"', 'DAILY_BUDGET_USD must stand below the line [vars]'],
    ['acount_id = "a1"', 'did you mean account_id?'],
    ['vars = "x"', 'vars must be a table'],
    ['[vars]\nMODELS = "a"\nMODELS = "b"', 'line 3: Invalid TOML document: trying to redefine'],
    ['[vars]\nMODELS = a', 'line 2'],
  ])('%s', (toml, problem) => {
    const { problems } = settings(toml);
    expect(problems).toEqual([expect.stringMatching(/^settings\.toml: /)]);
    expect(problems[0]).toContain(problem);
  });
});

describe('a mistake in .secrets is named without its value', () => {
  test.each([
    [
      'CLIENT_TOKEN={"alice": "s3cret"}',
      'CLIENT_TOKEN is no secret of the Worker; did you mean CLIENT_TOKENS?',
    ],
    ['DAILY_BUDGET_USD=s3cret', 'DAILY_BUDGET_USD is no secret: move it to [vars] of settings.toml'],
  ])('%s', (text, problem) => {
    const { problems } = secrets(text);
    expect(problems).toEqual([`.secrets: ${problem}`]);
    expect(problems.join()).not.toContain('s3cret');
  });

  test('an empty secret is not set', () => {
    expect(secrets('WIRO_API_KEY=\nOPERATOR_TOKEN=" "\nSIGNING_KEY=k\n')).toEqual({
      secrets: { SIGNING_KEY: 'k' },
      problems: [],
    });
  });
});

describe('CLIENT_TOKENS', () => {
  const token = 'x'.repeat(16);

  test('a client that is named twice is refused, also with an escaped name', () => {
    const twice = `{"alice": "${token}1", "bob": "${token}2", "\\u0061lice": "${token}3"}`;
    expect(clientProblems(twice)).toEqual(['CLIENT_TOKENS names alice twice; only the last one would count']);
  });

  test('names within a client do not count, nor do tokens that look like names', () => {
    const clients = {
      alice: { token: [`${token}1`, 'alice'] },
      bob: { token: '"bob":{' },
      token: `${token}2`,
    };
    expect(clientProblems(JSON.stringify(clients, null, 2))).toEqual([]);
    expect(clientProblems('{"alice": ')).toEqual([]);
    expect(clientProblems(undefined)).toEqual([]);
  });

  test('a token of fewer than 16 characters is warned of, without the token', () => {
    const clients = { short: 'abc-def', list: [token, 'abc-def'], member: { token: 'abc-def' }, long: token };
    const warnings = clientWarnings(JSON.stringify(clients));
    expect(warnings.map((warning) => /^CLIENT_TOKENS: (\w+) has a token/.exec(warning)?.[1])).toEqual([
      ...['short', 'list', 'member'],
    ]);
    expect(warnings.join()).not.toContain('abc-def');
    expect(clientWarnings('not JSON')).toEqual([]);
    expect(clientWarnings(undefined)).toEqual([]);
  });
});

test('secrets are replaced in their file, the other lines stay, and only its owner can read it', () => {
  const path = file(
    'rotated',
    '# mine\nSIGNING_KEY=old\nWIRO_API_KEY=k\nexport SIGNING_KEY_PREVIOUS = older\n',
  );
  writeSecrets(path, { SIGNING_KEY: 'new', SIGNING_KEY_PREVIOUS: 'old#1', NOTIFY_SECRET: 'whsec_a whsec_b' });
  expect(readSecrets(path, known).secrets).toEqual({
    ...{ SIGNING_KEY: 'new', SIGNING_KEY_PREVIOUS: 'old#1', WIRO_API_KEY: 'k' },
    NOTIFY_SECRET: 'whsec_a whsec_b',
  });
  writeSecrets(path, { SIGNING_KEY_PREVIOUS: null });
  expect(readFileSync(path, 'utf8')).toBe(
    "# mine\nWIRO_API_KEY=k\nSIGNING_KEY=new\nNOTIFY_SECRET='whsec_a whsec_b'\n",
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
