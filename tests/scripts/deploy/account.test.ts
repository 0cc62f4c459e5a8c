// What is said when the account cannot take the Worker: each step that asks Cloudflare before anything is sent.
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as account from '../../../scripts/deploy/account.ts';
import { instanceOf } from '../../../scripts/deploy/instance.ts';
import { ACCOUNT, API_TOKEN, Cloudflare, CODES, deployedWorker } from './cloudflare.ts';

const instance = instanceOf({}, 'hailuo-worker');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let cloudflare: Cloudflare;
let api: account.CloudflareApi;
beforeEach(async () => {
  cloudflare = await Cloudflare.start();
  api = new account.CloudflareApi(bearer(API_TOKEN), cloudflare.environment.CLOUDFLARE_API_BASE_URL);
});
afterEach(() => cloudflare.close());

test('one account is used, of several one must be chosen', async () => {
  const choose = (configured?: string) => account.chooseAccount(api, configured, 'make deploy NAME=staging');
  expect(await choose()).toEqual(ACCOUNT);
  cloudflare.accounts.push({ id: 'a2', name: 'Another' });
  await expect(choose()).rejects.toThrow(
    `Choose one, here or as account_id in settings.toml:\n  CLOUDFLARE_ACCOUNT_ID=${ACCOUNT.id} make deploy NAME=staging    # ${ACCOUNT.name}`,
  );
  expect(await choose('a2')).toMatchObject({ id: 'a2' });
  cloudflare.accounts = [];
  await expect(choose()).rejects.toThrow('no account');
});

test('a Worker that does not exist yet has no secrets, which is no error', async () => {
  expect(await account.secretNames(api, ACCOUNT, 'hailuo-worker')).toBeUndefined();
});

test('without R2 the message says where to enable it', async () => {
  await account.requireR2(api, ACCOUNT);
  cloudflare.fail(/^GET \/r2/, {
    code: CODES.r2Disabled,
    message: 'Please enable R2 through the Dashboard.',
  });
  await expect(account.requireR2(api, ACCOUNT)).rejects.toThrow(
    `Enable it once at https://dash.cloudflare.com/${ACCOUNT.id}/r2`,
  );
});

test('without a workers.dev subdomain the message says how to get one, and how to do without', async () => {
  expect(await account.requireSubdomain(api, ACCOUNT, instance)).toBe('video-people');
  cloudflare.hasSubdomain = false;
  const refused = account.requireSubdomain(api, ACCOUNT, instance);
  await expect(refused).rejects.toThrow(`https://dash.cloudflare.com/${ACCOUNT.id}/workers/onboarding`);
  await expect(refused).rejects.toThrow('custom_domain = true');
});

test('all namespaces are found, more than a page of them', async () => {
  for (let index = 0; index < 150; index += 1)
    cloudflare.namespaces.push({ id: `n${index}`, title: `t${index}` });
  expect(await account.namespaces(api, ACCOUNT)).toEqual(cloudflare.namespaces);
});

test('only a first deployment is told of a namespace that is there already', () => {
  const left = { id: 'n1', title: 'hailuo-worker-tasks' };
  const others = [{ id: 'n0', title: 'something else' }];
  const first = { workerExists: false, configuredId: undefined };
  expect(account.leftover([...others, left], left.title, first)).toBe(left);
  expect(account.leftover(others, left.title, first)).toBeUndefined();
  expect(account.leftover([left], left.title, { ...first, workerExists: true })).toBeUndefined();
  expect(account.leftover([left], left.title, { ...first, configuredId: 'n2' })).toBeUndefined();
});

const STEPS: [string, RegExp, () => Promise<unknown>, string][] = [
  [
    'the accounts',
    /^GET \/accounts/,
    () => account.chooseAccount(api, undefined, ''),
    'Account Settings: Read',
  ],
  ['the secrets', /\/secrets$/, () => account.secretNames(api, ACCOUNT, 'w'), 'Workers Scripts: Edit'],
  ['R2', /\/r2\//, () => account.requireR2(api, ACCOUNT), 'Workers R2 Storage: Edit'],
  ['KV', /\/storage\//, () => account.namespaces(api, ACCOUNT), 'Workers KV Storage: Edit'],
  [
    'workers.dev',
    /\/subdomain/,
    () => account.requireSubdomain(api, ACCOUNT, instance),
    'Workers Scripts: Edit',
  ],
];

test.each(STEPS)(
  'a token that may not read %s lacks a right, which is named',
  async (_, call, step, right) => {
    cloudflare.fail(call);
    await expect(step()).rejects.toThrow(`lacks a right, or is wrong: it needs "${right}"`);
  },
);

test.each(STEPS)('an outage while reading %s is told with its reason', async (_, call, step) => {
  cloudflare.fail(call, { status: 503, code: 10013, message: 'An unknown error has occurred.' });
  await expect(step()).rejects.toThrow('was refused with 503: An unknown error has occurred. [code: 10013]');
});

test('a wrong token, and an API that cannot be reached', async () => {
  const base = cloudflare.environment.CLOUDFLARE_API_BASE_URL;
  const stranger = new account.CloudflareApi(bearer('wrong'), base);
  await expect(account.requireR2(stranger, ACCOUNT)).rejects.toThrow('lacks a right, or is wrong');
  const nowhere = new account.CloudflareApi(bearer(API_TOKEN), 'http://127.0.0.1:2');
  await expect(account.requireR2(nowhere, ACCOUNT)).rejects.toThrow("Cloudflare's API cannot be reached");
});

test('the cron trigger is set where it is missing, and an error there hides nothing', async () => {
  const ensure = () => account.ensureCron(api, ACCOUNT, 'w', ['*/5 * * * *']);
  expect(await ensure()).toBe('no Worker');
  const worker = deployedWorker();
  cloudflare.workers.set('w', worker);
  expect(await ensure()).toBe('set');
  expect(worker.crons).toEqual(['*/5 * * * *']);
  expect(await ensure()).toBe('set');
  expect(cloudflare.writes).toHaveLength(1);
  cloudflare.fail(/\/schedules/);
  expect(await ensure()).toEqual({ failed: expect.stringContaining('it needs "Workers Scripts: Edit"') });
});
