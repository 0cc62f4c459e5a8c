// `make deploy` from its first step to its last, with the real wrangler: what lies at Cloudflare then, what is said, and
// what remains when a step fails.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMPLETE, Deployer, NOBODY, SIGNING_KEY } from './deployment.ts';
import { Edge } from './edge.ts';

const SWEEP = ['*/5 * * * *'];

let deployer: Deployer;
let edge: Edge | undefined;
beforeEach(async () => {
  deployer = await Deployer.start();
});
afterEach(async () => {
  await edge?.close();
  edge = undefined;
  await deployer.close();
});

const worker = (name = 'hailuo-worker') => deployer.cloudflare.workers.get(name);

/** The value of a var at Cloudflare. */
function deployedVar(name: string): unknown {
  const binding = worker()?.bindings.find((one) => one.name === name);
  return binding?.text ?? binding?.json;
}

test('a first deployment, and one after it', async () => {
  const { cloudflare } = deployer;
  edge = await Edge.start(cloudflare);
  const URL = edge.origin;
  await deployer.settings('[vars]\nDAILY_BUDGET_USD = 7.5\nSUBMIT_PER_MINUTE = "3"\n');
  await deployer.secrets(COMPLETE);

  const first = await deployer.deploy({ URL, HEALTH_SECONDS: '120' });
  expect(first.output).toContain('The Worker hailuo-worker is deployed for the first time.');
  expect(first.output).toContain('who        clients with a token of CLIENT_TOKENS');
  expect(first.output).toContain('how fast   3 submits a minute for each client');
  expect(first.output).toContain('a day      $7.5 for all together');
  expect(first.output).toMatch(/It answers: version \d+\.\d+\.\d+, protection: tokens\./);
  expect(first.output).not.toContain('What is left to do');
  for (const secret of Object.values(COMPLETE)) expect(first.output).not.toContain(secret);
  expect(first.exitCode).toBe(0);
  expect(worker()).toMatchObject({ secrets: COMPLETE, crons: SWEEP, migrationTag: 'v2', onWorkersDev: true });
  expect(worker()?.observability).toMatchObject({
    logs: { invocation_logs: false },
    traces: { enabled: false },
  });
  expect(cloudflare.namespaces).toMatchObject([{ title: 'hailuo-worker-tasks' }]);
  expect(cloudflare.buckets).toEqual(['hailuo-worker-videos']);
  expect([deployedVar('DAILY_BUDGET_USD'), deployedVar('MAX_ACTIVE')]).toEqual([7.5, '0']);

  // Another key in the file ends nothing; a secret that is set by hand stays.
  await deployer.secrets({
    SIGNING_KEY: `another-${SIGNING_KEY}`,
    OPERATOR_TOKEN: 'another-token-of-the-operator-02',
  });
  await deployer.settings('');
  Object.assign(worker()?.secrets ?? {}, { CLIENT_TOKEN: '{}' });
  const second = await deployer.deploy({ URL, HEALTH_SECONDS: '120' });
  expect(second.output).toContain('The Worker hailuo-worker is there and is updated.');
  expect(second.output).toContain(
    'Warning: the Worker has a secret CLIENT_TOKEN, which it does not read; did you mean CLIENT_TOKENS?',
  );
  expect(second.output).toContain('1. Limit what a day may cost');
  expect(second.exitCode).toBe(0);
  expect(worker()?.secrets).toEqual({
    ...COMPLETE,
    ...{ OPERATOR_TOKEN: 'another-token-of-the-operator-02', CLIENT_TOKEN: '{}' },
  });
  expect(deployedVar('DAILY_BUDGET_USD')).toBe('');
  expect(cloudflare.namespaces).toHaveLength(1);
});

test('a second Worker needs a name only; its missing key is made, shown once and kept', async () => {
  const { cloudflare } = deployer;
  const name = 'hailuo-worker-staging';
  edge = await Edge.start(cloudflare, name);
  const environment = { INSTANCE: 'staging', URL: edge.origin, HEALTH_SECONDS: '120' };

  const refused = await deployer.deploy(environment);
  expect(refused.exitCode).toBe(1);
  expect(refused.output).toContain(
    'SIGNING_KEY is not set, and a new one would be shown here, where no terminal is.',
  );
  expect(cloudflare.writes).toEqual([]);

  await deployer.secrets({ OPERATOR_TOKEN: COMPLETE.OPERATOR_TOKEN });
  const { exitCode, output } = await deployer.deploy({ ...environment, SHOW_KEY: '1' });
  const { SIGNING_KEY: made = '' } = worker(name)?.secrets ?? {};
  expect(made).toMatch(/^[0-9a-f]{64}$/);
  expect(output.split(made)).toHaveLength(2);
  expect(await deployer.readSecrets()).toContain(`SIGNING_KEY=${made}\n`);
  expect(output.indexOf(made)).toBeLessThan(output.indexOf('Uploaded hailuo-worker-staging'));
  expect(output).toContain(
    'It answers 500 `misconfigured`, as it must until its key is set: WIRO_API_KEY is not set',
  );
  expect(output).toContain('Secrets go as NAME=value into secrets, then: make deploy NAME=staging');
  expect(output).toContain('npx wrangler secret put NAME --name hailuo-worker-staging');
  expect(exitCode).toBe(0);
  expect([...cloudflare.workers.keys()]).toEqual([name]);
  expect(cloudflare.namespaces).toMatchObject([{ title: 'hailuo-worker-staging-tasks' }]);
  expect(cloudflare.buckets).toEqual(['hailuo-worker-staging-videos']);
});

describe('a step that fails', () => {
  beforeEach(() => deployer.secrets(COMPLETE));

  test.each([
    ['creating the KV namespace', /^POST \/storage\/kv/],
    ['uploading the page', /^POST .*\/assets-upload-session/],
    ['uploading the code', /^PUT \/workers\/scripts\/[^/]+$/],
  ])('%s: the Worker is not there, and what to do is said', async (_, call) => {
    deployer.cloudflare.fail(call, { status: 400, code: 10021, message: 'refused by the test' });
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toContain('refused by the test [code: 10021]');
    expect(output).toContain('wrangler deploy failed; what it said is above.\nThe Worker is not there yet.');
    expect(output).toContain('run it again: make deploy');
    expect(worker()).toBeUndefined();
  });

  test('creating the bucket: the namespace that was made already is used the next time', async () => {
    const { cloudflare } = deployer;
    cloudflare.fail(/^POST \/r2\/buckets/, { status: 400, code: 10021, message: 'refused by the test' });
    const failed = await deployer.deploy();
    expect(failed.exitCode).toBe(1);
    expect(failed.output).toContain('The Worker is not there yet.');
    const [left] = cloudflare.namespaces;
    cloudflare.recover();
    const { output } = await deployer.deploy();
    expect(output).toContain(
      `The KV namespace hailuo-worker-tasks (${left?.id}) is there already and is used.`,
    );
    expect(cloudflare.namespaces).toEqual([left]);
    const tasks = worker()?.bindings.find(({ name }) => name === 'TASKS');
    expect(tasks).toMatchObject({ namespace_id: left?.id });
  });

  test('taking a domain: the rest is deployed', async () => {
    await deployer.settings('routes = [{ pattern = "video.example.com", custom_domain = true }]\n');
    deployer.cloudflare.fail(/^PUT .*\/domains\/records/, {
      status: 400,
      code: 100117,
      message: 'refused by the test',
    });
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toContain('refused by the test');
    expect(output).toContain('The Worker and its secrets are there.\nIts cron trigger is set.');
    expect(worker()).toMatchObject({ crons: SWEEP, secrets: COMPLETE, domains: [] });
  });

  test('opening the address, after the upload: the cron trigger is set all the same', async () => {
    await deployer.secrets({ SIGNING_KEY });
    deployer.cloudflare.fail(/^POST .*\/subdomain/, {
      status: 400,
      code: 10063,
      message: 'refused by the test',
    });
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toContain('refused by the test [code: 10063]');
    expect(output).toContain('The Worker and its secrets are there.\nIts cron trigger is set.');
    expect(output).toContain('What is left to do, in this order:\n  1. Decide who may submit');
    expect(worker()).toMatchObject({ crons: SWEEP, secrets: { SIGNING_KEY }, onWorkersDev: false });
  });

  test('the cron trigger, which cannot be set either: that is said, with what is left to do', async () => {
    deployer.cloudflare.fail(/^PUT .*\/schedules/, {
      status: 400,
      code: 10063,
      message: 'refused by the test',
    });
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toMatch(/Its cron trigger could not be set: PUT .*\/schedules was refused with 400/);
    expect(output).toContain('1. Limit what a day may cost');
    expect(worker()).toMatchObject({ crons: [], secrets: COMPLETE });
  });

  test('the Worker does not answer afterwards', async () => {
    const { exitCode, output } = await deployer.deploy();
    expect(exitCode).toBe(1);
    expect(output).toContain('It does not answer yet: connect ECONNREFUSED');
    expect(output).toContain(`curl ${NOBODY}/health`);
    expect(worker()).toMatchObject({ crons: SWEEP, secrets: COMPLETE });
  });
});
