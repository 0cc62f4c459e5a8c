// A video far larger than a Worker's memory passes through it, in and out, without ever being held in it.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generatedDigest } from '../../sim/index.ts';
import { type DirectService, startDirect } from './direct.ts';
import { memoryBelow } from './process-memory.ts';
import { callsAbout } from './upstream-calls.ts';

const MIB = 2 ** 20;
const BYTES = 300 * MIB;
/** What a Worker may hold at once is 128 MB; the local R2 runs in the same process. */
const MAX_GROWTH = 150 * MIB;
const TIMEOUT_MS = 180_000;

let service: DirectService;
beforeAll(async () => {
  service = await startDirect();
  // Whatever a first video costs once and for all is spent before anything is measured.
  const { id } = await service.accepted({ prompt: 'a boat of ordinary size' });
  await service.ended(id);
});
afterAll(() => service.close());

/** The peak of the largest workerd, in bytes. */
function peak(): number {
  const processes = memoryBelow(service.dev.pid, 'workerd');
  expect(processes).not.toEqual([]);
  return Math.max(...processes.map((process) => process.peak));
}

/** Reads a body without keeping it. */
async function sha256Of(response: Response): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}

test.each([
  ['its length known', [], {}],
  [
    'its length never told',
    [{ kind: 'no-length' as const }],
    {
      patch: (row: Record<string, unknown>) => ({
        ...row,
        outputs: (row.outputs as Record<string, unknown>[]).map(({ size: _, ...output }) => output),
      }),
    },
  ],
])('300 MiB are copied and served in flat memory, %s', { timeout: TIMEOUT_MS }, async (name, cdn, task) => {
  const prompt = `a supertanker, ${name}`;
  service.sim.script(prompt, { output: { bytes: BYTES }, cdn, task });
  const sha256 = await generatedDigest(BYTES);
  const before = peak();

  const started = performance.now();
  const { id } = await service.accepted({ prompt });
  const video = await service.ended(id, TIMEOUT_MS / 2);
  const copied = peak();
  const seconds = (performance.now() - started) / 1000;
  expect(video).toMatchObject({ status: 'completed', output: { size: BYTES, sha256 } });
  expect(callsAbout(service.sim, await service.sim.waitForTask(prompt), '/cdn/')).toHaveLength(1);

  const content = await service.fetch(`/v1/videos/${id}/content`);
  expect(content.headers.get('content-length')).toBe(String(BYTES));
  expect(await sha256Of(content)).toBe(sha256);
  const served = peak();

  const [a, b, c] = [before, copied, served].map((value) => Math.round(value / MIB));
  console.log(
    `${name}: workerd's peak was ${a} MiB before, ${b} MiB after the copy (${seconds.toFixed(1)} s), ${c} MiB after the download`,
  );
  expect(copied - before).toBeLessThan(MAX_GROWTH);
  expect(served - before).toBeLessThan(MAX_GROWTH);
});
