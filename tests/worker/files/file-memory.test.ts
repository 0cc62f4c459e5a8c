// Uploads pass through the Worker without being held in memory, however many there are.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryBelow } from '../../../scripts/shared/process-memory.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import { MAX_IMAGE_BYTES, MIB, picture } from '../support/requests/pictures.ts';
import { filePart, uploaded } from '../support/requests/uploads.ts';
import { wasmMemoryAfter } from '../support/wasm-memory.ts';

const TIMEOUT_MS = 120_000;
const AT_ONCE = 4;
const ROUNDS = 3;

const part = filePart(picture('image/png', MAX_IMAGE_BYTES));

let service: DirectService;
beforeAll(async () => {
  service = await startDirect({ sim: { speed: 600 } });
  // Memory that is allocated only once is allocated before the measurement.
  await Promise.all(Array.from({ length: AT_ONCE }, () => uploaded(service, part)));
  await service.ended((await service.accepted({ prompt: 'a ferry' })).id);
}, TIMEOUT_MS);
afterAll(() => service.close());

test('twelve uploads of 20 MiB do not grow the wasm memory', { timeout: TIMEOUT_MS }, async () => {
  const peak = () => Math.max(...memoryBelow(service.dev.pid, 'workerd').map((process) => process.peak));
  const before = { wasm: await wasmMemoryAfter(service, 'a dinghy', TIMEOUT_MS / 4), process: peak() };
  for (let round = 0; round < ROUNDS; round++) {
    const files = await Promise.all(Array.from({ length: AT_ONCE }, () => uploaded(service, part)));
    expect(files.map(({ bytes }) => bytes)).toEqual(Array.from({ length: AT_ONCE }, () => MAX_IMAGE_BYTES));
  }
  const after = {
    wasm: await wasmMemoryAfter(service, 'a dinghy in the wake', TIMEOUT_MS / 4),
    process: peak(),
  };
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  console.log(
    `${AT_ONCE * ROUNDS} uploads of 20 MiB, ${AT_ONCE} at once: wasm memory ${mib(before.wasm)} before,` +
      ` ${mib(after.wasm)} after; peak of workerd ${mib(before.process)} and ${mib(after.process)}`,
  );
  expect(after.wasm).toBe(before.wasm);
});
