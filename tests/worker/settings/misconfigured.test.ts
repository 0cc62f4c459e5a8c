// A missing or malformed setting: every response and the log name it, without its value.
import { afterEach, describe, expect, test } from 'vitest';
import { expectProblem, traces } from '../support/refusals.ts';
import type { Service, ServiceOptions } from '../support/service.ts';
import { useServices } from './services.ts';

type Settings = Record<string, string>;

const SECRETS = [
  'WIRO_API_KEY',
  'WIRO_API_SECRET',
  'SIGNING_KEY',
  'CLIENT_TOKENS',
  'NOTIFY_SECRET',
  'TURNSTILE_SECRET',
];

function options(settings: Settings): ServiceOptions {
  const entries = Object.entries(settings);
  const secrets = Object.fromEntries(entries.filter(([name]) => SECRETS.includes(name)));
  const vars = Object.fromEntries(entries.filter(([name]) => !SECRETS.includes(name)));
  return { secrets, vars };
}

let service: Service;
afterEach(() => service.close());

const SUBMIT: RequestInit = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"prompt":"not to be made"}',
};

const REQUESTS: [string, RequestInit][] = [
  ['/health', {}],
  ['/v1/videos', SUBMIT],
];

async function expectMisconfigured(settings: Settings): Promise<void> {
  const names = Object.keys(settings);
  // Parts of words that the messages contain anyway would prove nothing.
  const values = Object.values(settings).filter((value) => value.length > 2);
  const before = await traces(service);
  for (const [path, init] of REQUESTS) {
    const response = await service.fetch(path, init);
    const found = await expectProblem(response, [500, 'misconfigured']);
    const answer = JSON.stringify([found, ...response.headers]);
    for (const name of names) expect.soft(found.detail).toContain(name);
    for (const value of values) expect.soft(answer).not.toContain(value);
  }
  expect(await traces(service)).toEqual(before);
  const lines = service.logs();
  for (const name of names) {
    expect.soft(lines.find((line) => line.includes(name))).toContain('"level":"error"');
  }
  for (const value of values) expect.soft(lines.join('\n')).not.toContain(value);
}

describe('a missing setting is misconfigured', () => {
  const missing: Settings[] = [
    { NOTIFY_URL: 'https://ops.example.com/hook' },
    { TURNSTILE_SITE_KEY: '0x4AAA' },
    { WIRO_API_KEY: '' },
    { SIGNING_KEY: '' },
    { WIRO_API_KEY: '  ', SIGNING_KEY: '\n' },
  ];
  const services = useServices(missing.map(options));

  test('NOTIFY_SECRET with NOTIFY_URL', async () => {
    service = services(0);
    const found = await expectProblem(await service.fetch('/health'), [500, 'misconfigured']);
    expect(found.detail).toBe('NOTIFY_SECRET is not set; it signs what is sent to NOTIFY_URL');
  });

  test('TURNSTILE_SECRET with TURNSTILE_SITE_KEY', async () => {
    service = services(1);
    const found = await expectProblem(await service.fetch('/health'), [500, 'misconfigured']);
    expect(found.detail).toBe('TURNSTILE_SECRET is not set; TURNSTILE_SITE_KEY protects nothing alone');
  });

  test.for([
    ['WIRO_API_KEY', 2],
    ['SIGNING_KEY', 3],
  ] as const)('%s', async ([, index]) => {
    service = services(index);
    await expectMisconfigured(missing[index] ?? {});
  });

  test('two settings of spaces only', async () => {
    service = services(4);
    await expectMisconfigured(missing[4] ?? {});
  });
});

describe('a malformed setting is misconfigured', () => {
  const single: [name: string, value: string][] = [
    ['SIGNING_KEY', 'of-thirty-one-characters-only-7'],
    ['WIRO_API_KEY', 'broken\nby-a-line-7f3a'],
    ['WIRO_API_KEY', 'with–a–typographic–dash-7f3a'],
    ['CLIENT_TOKENS', 'not-json-7f3a'],
    ['CLIENT_TOKENS', '{"a name": "token-7f3a"}'],
    ['CLIENT_TOKENS', '{"alice": "a token-7f3a"}'],
    ['CLIENT_TOKENS', '{}'],
    ['OPERATOR_TOKEN', 'short-7f3a'],
    ['WIRO_API_URL', 'http://api.example.com/v1'],
    ['NOTIFY_SECRET', 'whsec_c2hvcnQ7f3a='],
    ['POLL_SECONDS', 'x'],
  ];
  const sets: [string, Settings][] = [
    [
      'one way',
      {
        SIGNING_KEY: 'short-7f3a',
        WIRO_API_URL: 'https://user:hunter2@api.example.com/v1',
        MODELS: 'hailuo-7f3a',
        WIRO_MODEL: 'minimax/hailuo-7f3a',
        PUBLIC_URL: 'http://video.example.com',
        OUTPUT_HOSTS: 'https://cdn.example.com',
        POLL_SECONDS: 'soon-7f3a',
        RETRY_SECONDS: '-271828',
        TASK_DEADLINE_SECONDS: 'later-7f3a',
        COPY_DEADLINE_SECONDS: '-314159',
        RETENTION_DAYS: 'month-7f3a',
        MAX_ACTIVE: 'some-7f3a',
        NOTIFY_URL: 'https://10.0.0.7/7f3a',
        NOTIFY_SECRET: 'whsec_7f3a',
        NOTIFY_SECONDS: 'now-7f3a',
        DAILY_BUDGET_USD: 'much-7f3a',
        PRICES_USD: '768P=cheap-7f3a',
        TURNSTILE_SITE_KEY: '<key-7f3a>',
        TURNSTILE_VERIFY_URL: 'http://verify.example.com/7f3a',
      },
    ],
    [
      'another way',
      {
        WIRO_API_KEY: '',
        WIRO_API_URL: 'api.example.com/v1',
        MODELS: '../Task/Detail-7f3a',
        PUBLIC_URL: 'nonsense-7f3a',
        OUTPUT_HOSTS: 'user@cdn.example.com',
        POLL_SECONDS: '30,,45',
        RETRY_SECONDS: '5;15;60',
        TASK_DEADLINE_SECONDS: '-271828',
        COPY_DEADLINE_SECONDS: '31.4159',
        RETENTION_DAYS: '0',
        NOTIFY_URL: 'http://ops.example.com/7f3a',
      },
    ],
  ];
  const all = [
    ...single.map(([name, value]) => ({ [name]: value })),
    ...sets.map(([, settings]) => settings),
  ];
  const services = useServices(all.map(options));

  test.for(single.map((row, index) => [...row, index] as const))(
    '%s alone: %j',
    async ([name, value, index]) => {
      service = services(index);
      await expectMisconfigured({ [name]: value });
    },
  );

  test.for(sets)('all at once in %s', async ([, settings]) => {
    service = services(all.indexOf(settings));
    await expectMisconfigured(settings);
  });
});
