// The size of the Worker's wasm memory, which is logged with each copy of a video.
import { vi } from 'vitest';
import type { DirectService } from './direct.ts';

/** Has a video made of this prompt, and tells the bytes after its copy. */
export async function wasmMemoryAfter(
  service: DirectService,
  prompt: string,
  withinMs: number,
): Promise<number> {
  const { id } = await service.accepted({ prompt });
  const { status } = await service.ended(id, withinMs);
  if (status !== 'completed') throw new Error(`${prompt}: ${status}`);
  const isIt = (line: string) => line.includes('"message":"copied the video"') && line.includes(id);
  // A log line arrives here with a delay.
  const line = await vi.waitUntil(() => service.logs().find(isIt), { timeout: 30_000 });
  const { wasm_memory_bytes } = JSON.parse(line ?? '{}') as { wasm_memory_bytes?: number };
  if (!wasm_memory_bytes) throw new Error(`no size in ${line}`);
  return wasm_memory_bytes;
}
