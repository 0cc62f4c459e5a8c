// A missing or malformed setting: every response and the log name it, without its value.
import { describe, expect, test } from 'vitest';
import { expectProblem, traces } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

type Settings = Record<string, string>;

const SECRETS = [
  'WIRO_API_KEY',
  'WIRO_API_SECRET',
  'SIGNING_KEY',
  'CLIENT_TOKENS',
  'NOTIFY_SECRET',
  'TURNSTILE_SECRET',
];

function startedWith(settings: Settings): Promise<Service> {
  const entries = Object.entries(settings);
  const secrets = Object.fromEntries(entries.filter(([name]) => SECRETS.includes(name)));
  const vars = Object.fromEntries(entries.filter(([name]) => !SECRETS.includes(name)));
  return startService({ secrets, vars });
}

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
  const service = await startedWith(settings);
  try {
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
  } finally {
    await service.close();
  }
}

describe('a missing setting is misconfigured', () => {
  test('NOTIFY_SECRET with NOTIFY_URL', async () => {
    const service = await startedWith({ NOTIFY_URL: 'https://ops.example.com/hook' });
    try {
      const found = await expectProblem(await service.fetch('/health'), [500, 'misconfigured']);
      expect(found.detail).toBe('NOTIFY_SECRET is not set; it signs what is sent to NOTIFY_URL');
    } finally {
      await service.close();
    }
  });

  test('TURNSTILE_SECRET with TURNSTILE_SITE_KEY', async () => {
    const service = await startedWith({ TURNSTILE_SITE_KEY: '0x4AAA' });
    try {
      const found = await expectProblem(await service.fetch('/health'), [500, 'misconfigured']);
      expect(found.detail).toBe('TURNSTILE_SECRET is not set; TURNSTILE_SITE_KEY protects nothing alone');
    } finally {
      await service.close();
    }
  });

  test.for(['WIRO_API_KEY', 'SIGNING_KEY'])('%s', (name) => expectMisconfigured({ [name]: '' }));

  test('two settings of spaces only', () => expectMisconfigured({ WIRO_API_KEY: '  ', SIGNING_KEY: '\n' }));
});

describe('a malformed setting is misconfigured', () => {
  test.for([
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
  ] as const)('%s alone: %j', ([name, value]) => expectMisconfigured({ [name]: value }));

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
  test.for(sets)('all at once in %s', ([_way, settings]) => expectMisconfigured(settings));
});
