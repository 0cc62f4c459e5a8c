// The decisions of a deployment, based on wrangler's real output.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  identityProblem,
  jsonIn,
  leftover,
  missingSecrets,
  namespaceTitle,
  secretAdvice,
  secretsOf,
  storageProblem,
  withNamespaceId,
} from '../../scripts/deploy-plan.ts';

const ONE = { id: 'a1', name: 'One' };
const TWO = { id: 'a2', name: 'Two' };
const said = (exitCode: number, stdout: string, stderr = '') => ({ exitCode, stdout, stderr });

test('JSON is found after other output of wrangler', () => {
  expect(jsonIn('\n ⛅️ wrangler 4.164.0\n[\n  { "name": "A" }\n]\n')).toEqual([{ name: 'A' }]);
  expect(() => jsonIn('You are not authenticated')).toThrow('no JSON');
});

test('without a login the message says how to log in', () => {
  expect(identityProblem({ loggedIn: false }, undefined)).toContain('wrangler login');
});

test('with several accounts one must be chosen', () => {
  expect(identityProblem({ loggedIn: true, accounts: [ONE] }, undefined)).toBeUndefined();
  expect(identityProblem({ loggedIn: true, accounts: [ONE, TWO] }, 'a2')).toBeUndefined();
  expect(identityProblem({ loggedIn: true, accounts: [ONE, TWO] }, undefined)).toContain(
    'CLOUDFLARE_ACCOUNT_ID=a2 make deploy    # Two',
  );
});

test('a Worker that does not exist yet has no secrets, which is not an error', () => {
  const unknown =
    '✘ [ERROR] Worker "hailuo-worker" not found.\n\nIf this is a new Worker, run `wrangler deploy`';
  expect(secretsOf(said(1, '', unknown))).toBeUndefined();
  expect(secretsOf(said(0, '[\n  { "name": "SIGNING_KEY", "type": "secret_text" }\n]'))).toEqual([
    'SIGNING_KEY',
  ]);
  expect(secretsOf(said(0, '[]'))).toEqual([]);
  expect(() => secretsOf(said(1, '', '✘ [ERROR] A request failed.\n\n  Forbidden [code: 10000]\n'))).toThrow(
    'A request failed. Forbidden [code: 10000]',
  );
});

test('only a first deployment warns about an existing namespace', () => {
  const title = namespaceTitle('hailuo-worker', 'TASKS');
  const left = { id: 'n1', title };
  const others = [{ id: 'n0', title: 'something else' }];
  const first = { workerExists: false, configuredId: undefined };
  expect(title).toBe('hailuo-worker-tasks');
  expect(leftover([...others, left], title, first)).toBe(left);
  expect(leftover(others, title, first)).toBeUndefined();
  expect(leftover([left], title, { ...first, workerExists: true })).toBeUndefined();
  expect(leftover([left], title, { ...first, configuredId: 'n2' })).toBeUndefined();
});

test('the id of a namespace is written to the project’s configuration', () => {
  const toml = readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8');
  const changed = withNamespaceId(toml, 'TASKS', 'n1');
  expect(changed).toContain('[[kv_namespaces]]\nbinding = "TASKS"\nid = "n1"\n');
  expect(changed.replace('id = "n1"\n', '')).toBe(toml);
  expect(() => withNamespaceId(toml, 'NONE', 'n1')).toThrow('NONE');
});

test('the error “R2 is not enabled” is recognized', () => {
  const disabled = 'Please enable R2 through the Cloudflare Dashboard. [code: 10042]';
  const failure = '✘ [ERROR] A request to the Cloudflare API (/accounts/a1/r2/buckets) failed.';
  expect(storageProblem(said(0, 'Listing buckets...'))).toBeUndefined();
  expect(storageProblem(said(1, '', `${failure}\n\n  ${disabled}\n`))).toContain('Enable it once');
  expect(storageProblem(said(1, '', `${failure}\n\n  Forbidden [code: 10000]\n`))).toContain('Forbidden');
});

test('missing secrets are listed with their commands', () => {
  expect(missingSecrets([])).toEqual(['WIRO_API_KEY', 'SIGNING_KEY']);
  expect(missingSecrets(['SIGNING_KEY', 'WIRO_API_KEY'])).toEqual([]);
  expect(secretAdvice(['WIRO_API_KEY'])).toEqual([
    'Until these secrets are set, requests are refused as `misconfigured`:',
    '  openssl rand -hex 32 | npx wrangler secret put SIGNING_KEY',
    'Only if the Wiro project signs its requests:',
    '  npx wrangler secret put WIRO_API_SECRET',
  ]);
  expect(secretAdvice(['WIRO_API_KEY', 'SIGNING_KEY', 'WIRO_API_SECRET'])).toEqual([]);
});
