// `make rotate`: the new secret is known before it is used, what the old one signed stays valid, and a wrong old one changes
// nothing.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptsKey, proofOf } from '../../../scripts/deploy/callback-proof.ts';
import { finish, rotate } from '../../../scripts/deploy/rotation.ts';
import { deployedWorker } from './cloudflare.ts';
import { COMPLETE, Deployer, SIGNING_KEY } from './deployment.ts';
import { Edge } from './edge.ts';

describe('of a deployed Worker', () => {
  let deployer: Deployer;
  let edge: Edge;
  let environment: Record<string, string>;
  beforeEach(async () => {
    deployer = await Deployer.start();
    edge = await Edge.start(deployer.cloudflare);
    environment = { URL: edge.origin, HEALTH_SECONDS: '120', SHOW_KEY: '1', KEY: 'SIGNING_KEY' };
    await deployer.secrets(COMPLETE);
    deployer.cloudflare.workers.set('hailuo-worker', deployedWorker({ ...COMPLETE }));
  });
  afterEach(async () => {
    await edge.close();
    await deployer.close();
  });

  const deployed = () => deployer.cloudflare.workers.get('hailuo-worker')?.secrets ?? {};

  test('SIGNING_KEY: both keys with one call, then the old one ends', async () => {
    // A wrong key, in place of the one in use, would end every id: nothing is changed.
    const wrong = await deployer.rotate({
      ...environment,
      CURRENT: 'another-key-of-more-than-32-characters',
    });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.output).toContain(`this is not the SIGNING_KEY of ${edge.origin}: nothing was changed`);
    expect(deployed()).toEqual(COMPLETE);

    // The call fails: the new key is in the file, the old one in use.
    deployer.cloudflare.fail(/^PATCH .*\/secrets-bulk/, { status: 500, message: 'refused by the test' });
    const failed = await deployer.rotate(environment);
    expect(failed.exitCode).toBe(1);
    expect(failed.output).toContain('secrets has the new secrets: run the same again');
    const [, made = ''] = /^SIGNING_KEY=([0-9a-f]{64})$/m.exec(await deployer.readSecrets()) ?? [];
    expect(failed.output).toContain(made);
    expect(deployed()).toEqual(COMPLETE);

    // The same again puts that one.
    deployer.cloudflare.recover();
    const calls = deployer.cloudflare.writes.length;
    const rotated = await deployer.rotate(environment);
    expect(rotated.output).toContain(`${edge.origin} uses the new key, and accepts what the old one signed.`);
    expect(rotated.output).toContain('make rotate KEY=SIGNING_KEY FINISH=1');
    expect(rotated.exitCode).toBe(0);
    expect(deployer.cloudflare.writes.length - calls).toBe(1);
    expect(deployed()).toEqual({ ...COMPLETE, SIGNING_KEY: made, SIGNING_KEY_PREVIOUS: SIGNING_KEY });
    expect(await Promise.all([made, SIGNING_KEY].map((key) => acceptsKey(edge.origin, key)))).toEqual([
      true,
      true,
    ]);

    const early = await deployer.rotate(environment);
    expect(early.exitCode).toBe(1);
    expect(early.output).toContain('a rotation is under way: SIGNING_KEY_PREVIOUS is set');

    const finished = await deployer.rotate({ ...environment, FINISH: '1' });
    expect(finished.exitCode).toBe(0);
    expect(deployed()).toEqual({ ...COMPLETE, SIGNING_KEY: made });
    expect(await deployer.readSecrets()).not.toContain('SIGNING_KEY_PREVIOUS');
    expect(await Promise.all([made, SIGNING_KEY].map((key) => acceptsKey(edge.origin, key)))).toEqual([
      true,
      false,
    ]);
  });

  test('without a terminal nothing is shown, and without a file the old key must be said', async () => {
    const unseen = await deployer.rotate({ ...environment, SHOW_KEY: '' });
    expect(unseen.output).toContain('a new one would be shown here, where no terminal is');
    const unknown = await deployer.rotate({ ...environment, SECRETS: '/nowhere/secrets' });
    expect(unknown.output).toContain('say the present SIGNING_KEY: in .secrets, or as CURRENT=…');
    const other = await deployer.rotate({ ...environment, KEY: 'WIRO_API_KEY' });
    expect(other.output).toContain('KEY must be one of SIGNING_KEY, NOTIFY_SECRET, OPERATOR_TOKEN');
    expect([unseen, unknown, other].map(({ exitCode }) => exitCode)).toEqual([1, 1, 1]);
    expect(deployed()).toEqual(COMPLETE);
  });

  test('NOTIFY_SECRET: two signatures, then one', async () => {
    const old = `whsec_${'b'.repeat(44)}`;
    Object.assign(deployed(), { NOTIFY_SECRET: old });
    const notify = { ...environment, KEY: 'NOTIFY_SECRET' };
    const { exitCode, output } = await deployer.rotate({ ...notify, CURRENT: old });
    expect(exitCode).toBe(0);
    const [made = '', ...others] = deployed().NOTIFY_SECRET?.split(' ') ?? [];
    expect(made).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(others).toEqual([old]);
    expect(output).toContain(made);
    const early = await deployer.rotate(notify);
    expect(early.output).toContain('a rotation is under way: NOTIFY_SECRET has two keys');
    expect((await deployer.rotate({ ...notify, FINISH: '1' })).exitCode).toBe(0);
    expect(deployed()).toEqual({ ...COMPLETE, NOTIFY_SECRET: made });
    expect(await deployer.readSecrets()).toContain(`NOTIFY_SECRET=${made}\n`);
  });

  test('a stolen SIGNING_KEY ends at once, also while one is being rotated', async () => {
    Object.assign(deployed(), { SIGNING_KEY_PREVIOUS: 'the-key-before-of-these-tests-0000' });
    const { exitCode, output } = await deployer.rotate({ ...environment, STOLEN: '1' });
    expect(exitCode).toBe(0);
    expect(output).toContain('All ids, playback links and callbacks of the old key have ended');
    const { SIGNING_KEY: made = '' } = deployed();
    expect(deployed()).toEqual({ ...COMPLETE, SIGNING_KEY: made });
    expect(await Promise.all([made, SIGNING_KEY].map((key) => acceptsKey(edge.origin, key)))).toEqual([
      true,
      false,
    ]);
  });

  test('OPERATOR_TOKEN: the new one counts at once', async () => {
    const { exitCode } = await deployer.rotate({ ...environment, KEY: 'OPERATOR_TOKEN' });
    expect(exitCode).toBe(0);
    const { OPERATOR_TOKEN: made } = deployed();
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(await deployer.readSecrets()).toContain(`OPERATOR_TOKEN=${made}\n`);
  });
});

test('the steps of the others', () => {
  expect(rotate('NOTIFY_SECRET', 'whsec_old', 'whsec_new', 'again').changes).toEqual({
    NOTIFY_SECRET: 'whsec_new whsec_old',
  });
  expect(finish('NOTIFY_SECRET', 'whsec_new whsec_old').changes).toEqual({ NOTIFY_SECRET: 'whsec_new' });
  expect(() => finish('NOTIFY_SECRET', undefined)).toThrow('CURRENT=');
  expect(() => finish('OPERATOR_TOKEN', undefined)).toThrow('no second step');
  // A stolen key must not stay valid.
  expect(rotate('SIGNING_KEY', undefined, 'new', 'again').changes).toEqual({
    ...{ SIGNING_KEY: 'new', SIGNING_KEY_PREVIOUS: null },
  });
});

/** As in `src/video/access/keys.rs`. */
test('a known key gives a known proof', () => {
  expect(proofOf('k'.repeat(32), 'vid_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic')).toBe(
    'cejhnhcmog4r7dkvewubh2v2ik5vyilf',
  );
});
