// Cloudflare must not keep the URLs of requests, which contain playback grants and callback proofs.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';

const config = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));

test('log lines of the Worker are kept, those about its requests are not', () => {
  const { observability, logpush, tail_consumers } = unstable_readConfig({ config });
  expect(observability).toMatchObject({
    enabled: true,
    logs: { enabled: true, invocation_logs: false },
    traces: { enabled: false },
  });
  // Both would send whole requests to other services.
  expect(logpush).toBeFalsy();
  expect(tail_consumers ?? []).toEqual([]);
});
