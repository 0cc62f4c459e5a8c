// The names of a second Worker in an account, and the configuration that it is deployed with.
import { describe, expect, test } from 'vitest';
import { instanceOf, limiterId, nameArgument, namespaceTitle } from '../../../scripts/deploy/instance.ts';
import {
  addressOf,
  configFor,
  projectConfig,
  usesWorkersDev,
  type WorkerConfig,
} from '../../../scripts/deploy/worker-config.ts';

const project = projectConfig();
const none = { keys: {}, vars: {}, problems: [] };
const main = instanceOf({}, project.name);
const staging = instanceOf({ INSTANCE: 'staging' }, project.name);

test('the first Worker has the names of wrangler.toml', () => {
  expect(main).toMatchObject({ name: undefined, worker: 'hailuo-worker', bucket: undefined });
  expect(main.settingsFile).toMatch(/\/settings\.toml$/);
  expect(main.secretsFile).toMatch(/\/\.secrets$/);
  expect(nameArgument(main)).toBe('');
});

test('a second Worker shares nothing with the first', () => {
  expect(staging).toMatchObject({ worker: 'hailuo-worker-staging', bucket: 'hailuo-worker-staging-videos' });
  expect(staging.settingsFile).toMatch(/\/settings\.staging\.toml$/);
  expect(staging.secretsFile).toMatch(/\/\.secrets\.staging$/);
  expect(nameArgument(staging)).toBe(' NAME=staging');
  expect(namespaceTitle(staging.worker, 'TASKS')).toBe('hailuo-worker-staging-tasks');
  const withId = { ...project, kv_namespaces: [{ binding: 'TASKS', id: 'of the first' }] };
  const [one, two] = [configFor(withId, main, none), configFor(withId, staging, none)];
  expect(one.kv_namespaces).toEqual(withId.kv_namespaces);
  expect(two.kv_namespaces).toEqual([{ binding: 'TASKS' }]);
  expect(two.r2_buckets).toEqual([{ binding: 'VIDEOS', bucket_name: 'hailuo-worker-staging-videos' }]);
  const ids = [one, two].flatMap(({ ratelimits }) => ratelimits.map(({ namespace_id }) => namespace_id));
  expect(ids.slice(0, 3)).toEqual(project.ratelimits.map(({ namespace_id }) => namespace_id));
  expect(new Set(ids).size).toBe(6);
});

test('the id of a rate limiter is a number that follows from the name', () => {
  const id = limiterId('hailuo-worker-staging', '230100');
  expect(id).toMatch(/^[1-9]\d{5}100$/);
  expect(limiterId('hailuo-worker-staging', '230100')).toBe(id);
  expect(limiterId('hailuo-worker-trial', '230100')).not.toBe(id);
});

test.each(['Staging', 'a_b', '-a', 'a-', 'a b', '../x', 'x'.repeat(43)])('%s is no name', (name) => {
  expect(() => instanceOf({ INSTANCE: name }, project.name)).toThrow(/^NAME /);
});

test('own settings take the place of the project’s, the rest stays', () => {
  const own = { ...none, keys: { account_id: 'a1', workers_dev: false }, vars: { MAX_ACTIVE: 3 } };
  const config = configFor(project, main, own);
  expect(config).toMatchObject({ account_id: 'a1', workers_dev: false, no_bundle: true });
  expect(config.vars).toEqual({ ...project.vars, MAX_ACTIVE: 3 });
  expect(config.triggers).toEqual(project.triggers);
  expect(config.migrations).toEqual(project.migrations);
  expect(config.observability).toEqual(project.observability);
});

describe('where the Worker is reached', () => {
  const reached = (changes: Partial<WorkerConfig>) => addressOf({ ...project, ...changes }, 'people');
  const domain = { pattern: 'video.example.com', custom_domain: true };
  test.each<[string, Partial<WorkerConfig>, string | undefined]>([
    ['below workers.dev', {}, 'https://hailuo-worker.people.workers.dev'],
    ['at its domain', { routes: [domain] }, 'https://video.example.com'],
    ['at a route', { routes: ['*.example.com/*', 'video.example.com/*'] }, 'https://video.example.com'],
    [
      'where it says itself',
      { routes: [domain], vars: { PUBLIC_URL: 'https://a.example/' } },
      'https://a.example',
    ],
    ['nowhere that can be told', { workers_dev: false, routes: ['*.example.com/*'] }, undefined],
  ])('%s', (_, changes, address) => {
    expect(reached(changes)).toBe(address);
  });

  test('without a word on workers.dev, it is used if there is no route', () => {
    const { workers_dev: _, ...rest } = project;
    expect(usesWorkersDev(rest as WorkerConfig)).toBe(true);
    expect(usesWorkersDev({ ...rest, routes: [domain] } as WorkerConfig)).toBe(false);
    expect(usesWorkersDev({ ...rest, workers_dev: true, routes: [domain] } as WorkerConfig)).toBe(true);
  });
});
