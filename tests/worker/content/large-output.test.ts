// A video much larger than a Worker's memory is copied and served without being held in memory.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryBelow } from '../../../scripts/shared/process-memory.ts';
import { generatedDigest } from '../../../sim/index.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import { withoutSize } from '../support/output-rows.ts';
import { callsAbout } from '../support/upstream-calls.ts';
import { wasmMemoryAfter } from '../support/wasm-memory.ts';

const MIB = 2 ** 20;
/** One and a half times the memory of a Worker. */
const BYTES = 192 * MIB;
/** Four pages of wasm memory, of which a status request during the copy may take one: a 768th of the video. */
const MAX_WASM_GROWTH = 256 * 1024;
const TIMEOUT_MS = 180_000;

let service: DirectService;
let digest: string;
beforeAll(async () => {
  service = await startDirect();
  digest = await generatedDigest(BYTES);
  // Memory that is allocated only once is allocated before the measurement.
  service.sim.script('a ferry', { output: { bytes: 100 * MIB } });
  await made('a ferry');
  await made('a dinghy');
}, TIMEOUT_MS);
afterAll(() => service.close());

/** Makes a small video and returns the size of the Worker's wasm memory after it. */
function made(prompt: string): Promise<number> {
  return wasmMemoryAfter(service, prompt, TIMEOUT_MS / 2);
}

/** The peak of the largest workerd, in bytes. */
function peak(): number {
  return Math.max(...memoryBelow(service.dev.pid, 'workerd').map((process) => process.peak));
}

/** Reads a body without keeping it. */
async function sha256Of(response: Response): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}

test('an answer that unpacks to 60 MiB does not grow the memory', { timeout: TIMEOUT_MS }, async () => {
  const before = await made('a dinghy beside the trawler');
  service.sim.script('a big trawler', { detail: [{ kind: 'bomb' }] });
  expect((await made('a big trawler')) - before).toBeLessThanOrEqual(MAX_WASM_GROWTH);
});

test('192 MiB are copied and served without growth of memory', { timeout: TIMEOUT_MS }, async () => {
  const prompt = 'a supertanker';
  service.sim.script(prompt, { output: { bytes: BYTES } });
  await expectFlatMemory(prompt, async (id) => {
    const content = await service.fetch(`/v1/videos/${id}/content`);
    expect(content.headers.get('content-length')).toBe(String(BYTES));
    expect(await sha256Of(content)).toBe(digest);
  });
});

test('192 MiB of unknown length are copied in parts', { timeout: TIMEOUT_MS }, async () => {
  const prompt = 'a supertanker of unknown length';
  service.sim.script(prompt, { output: { bytes: BYTES }, cdn: [{ kind: 'no-length' }], task: withoutSize });
  // The file is not read back, because the local R2 first collects all parts of such a file.
  await expectFlatMemory(prompt, () => Promise.resolve());
});

/** Makes, copies and reads the video of this prompt, and compares the memory before and after. */
async function expectFlatMemory(prompt: string, use: (id: string) => Promise<void>): Promise<void> {
  const before = { wasm: await made('a dinghy ahead'), process: peak() };
  const started = performance.now();
  const { id } = await service.accepted({ prompt });
  const video = await service.ended(id, TIMEOUT_MS / 2);
  const seconds = (performance.now() - started) / 1000;
  expect(video).toMatchObject({
    status: 'completed',
    output: { size: BYTES, sha256: digest },
  });
  expect(callsAbout(service.sim, await service.sim.waitForTask(prompt), '/cdn/')).toHaveLength(1);
  await use(id);
  const after = { wasm: await made('a dinghy in the wake'), process: peak() };
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  console.log(
    `${prompt}: ${mib(BYTES)} in ${seconds.toFixed(1)} s; wasm memory ${mib(before.wasm)} before, ${mib(after.wasm)} after;` +
      ` peak of workerd, the local R2 included, ${mib(before.process)} and ${mib(after.process)}`,
  );
  expect(after.wasm - before.wasm).toBeLessThanOrEqual(MAX_WASM_GROWTH);
}
