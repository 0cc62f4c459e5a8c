// A video far larger than a Worker's memory passes through it, in and out, without ever being held in it.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generatedDigest } from '../../sim/index.ts';
import { type DirectService, startDirect } from './direct.ts';
import { memoryBelow } from './process-memory.ts';
import { callsAbout } from './upstream-calls.ts';

const MIB = 2 ** 20;
const BYTES = 300 * MIB;
const TIMEOUT_MS = 180_000;

let service: DirectService;
beforeAll(async () => {
  service = await startDirect();
  // The local R2 lives in the same process. What it, garbage and allocators take once and for all they take now.
  const prompt = 'a ferry';
  service.sim.script(prompt, { output: { bytes: 100 * MIB } });
  const { id } = await service.accepted({ prompt });
  await service.ended(id, TIMEOUT_MS / 2);
}, TIMEOUT_MS);
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

test('300 MiB are copied and served in flat memory', { timeout: TIMEOUT_MS }, async () => {
  const prompt = 'a supertanker';
  service.sim.script(prompt, { output: { bytes: BYTES } });
  const { id, growth } = await copied(prompt, 150 * MIB);

  const content = await service.fetch(`/v1/videos/${id}/content`);
  expect(content.headers.get('content-length')).toBe(String(BYTES));
  expect(await sha256Of(content)).toBe(await generatedDigest(BYTES));
  expect(growth()).toBeLessThan(150 * MIB);
});

test('300 MiB whose length is never told are copied part by part', { timeout: TIMEOUT_MS }, async () => {
  const patch = (row: Record<string, unknown>) => ({
    ...row,
    outputs: (row.outputs as Record<string, unknown>[]).map(({ size: _, ...output }) => output),
  });
  const prompt = 'a supertanker of unknown length';
  service.sim.script(prompt, { output: { bytes: BYTES }, cdn: [{ kind: 'no-length' }], task: { patch } });
  // More than above: the local R2 holds on to parts. Reading them back is left out, for it gathers all of them first.
  await copied(prompt, 250 * MIB);
});

/** Has the video of this prompt made and copied, and looks at the memory that took. */
async function copied(prompt: string, maxGrowth: number): Promise<{ id: string; growth: () => number }> {
  const before = peak();
  const growth = () => peak() - before;
  const started = performance.now();
  const { id } = await service.accepted({ prompt });
  const video = await service.ended(id, TIMEOUT_MS / 2);
  const seconds = (performance.now() - started) / 1000;
  const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
  console.log(
    `${prompt}: ${mib(BYTES)} in ${seconds.toFixed(1)} s; the peak of workerd was ${mib(before)} and grew by ${mib(growth())}`,
  );
  const sha256 = await generatedDigest(BYTES);
  expect(video).toMatchObject({ status: 'completed', output: { size: BYTES, sha256 } });
  expect(callsAbout(service.sim, await service.sim.waitForTask(prompt), '/cdn/')).toHaveLength(1);
  expect(growth()).toBeLessThan(maxGrowth);
  return { id, growth };
}
