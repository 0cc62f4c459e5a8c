// Cloudflare must not keep the URLs of requests, which contain playback grants and callback proofs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { instanceOf } from '../../scripts/deploy/instance.ts';
import { knownSettings } from '../../scripts/deploy/known-settings.ts';
import { readSettings } from '../../scripts/deploy/own-settings.ts';
import { configFor, projectConfig, writeConfig } from '../../scripts/deploy/worker-config.ts';

const config = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));

function expectNoUrls(file: string): void {
  const { observability, logpush, tail_consumers } = unstable_readConfig({ config: file });
  expect(observability).toMatchObject({
    enabled: true,
    logs: { enabled: true, invocation_logs: false },
    traces: { enabled: false },
  });
  // Both would send whole requests to other services.
  expect(logpush).toBeFalsy();
  expect(tail_consumers ?? []).toEqual([]);
}

test('log lines of the Worker are kept, those about its requests are not', () => {
  expectNoUrls(config);
});

test('the same holds for what is deployed, whatever the own settings say', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hailuo-worker-observability-'));
  const file = join(folder, 'settings.toml');
  writeFileSync(
    file,
    'logpush = true\ntail_consumers = [{ service = "x" }]\n[observability.logs]\ninvocation_logs = true\n',
  );
  const own = readSettings(file, knownSettings());
  rmSync(folder, { recursive: true });
  expect(own.problems.map((problem) => problem.split(' is not one of ')[0])).toEqual([
    ...['settings.toml: logpush', 'settings.toml: tail_consumers', 'settings.toml: observability'],
  ]);
  const instance = instanceOf({ INSTANCE: 'observability-test' }, projectConfig().name);
  const deployed = writeConfig(configFor(projectConfig(), instance, { ...own, keys: {} }));
  expectNoUrls(deployed);
  rmSync(deployed);
});
