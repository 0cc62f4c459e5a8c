// The contents of KV and R2 after a soak.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bindings } from '../shared/local-storage.ts';

/** A record reaches KV shortly after the end, or after the restart if the Worker crashed then. */
const PUBLISHED_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 200;

/** A record in KV with its metadata. */
export interface Stored {
  record: Record<string, unknown>;
  metadata: Record<string, unknown> | null;
}

/** A video with its digest. */
export interface File {
  size: number;
  sha256: string;
}

/** The final record, or the last one if none arrives in time. */
export async function storedRecord({ TASKS }: Bindings, id: string): Promise<Stored | undefined> {
  const deadline = performance.now() + PUBLISHED_WITHIN_MS;
  for (;;) {
    const found = await TASKS.getWithMetadata<Stored['record'], Stored['metadata']>(`video:${id}`, 'json');
    const { value: record, metadata } = found;
    if (typeof record?.completed_at === 'number') return { record, metadata };
    if (performance.now() > deadline) return record ? { record, metadata } : undefined;
    await pause(LOOK_EVERY_MS);
  }
}

export async function storedFile({ VIDEOS }: Bindings, id: string): Promise<File | undefined> {
  const object = await VIDEOS.get(`videos/${id}/0.mp4`);
  if (!object) return undefined;
  const bytes = Buffer.from(await object.arrayBuffer());
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The ids of all records. */
export async function recordIds({ TASKS }: Bindings): Promise<string[]> {
  const names = await everyName(async (at) => {
    const page = await TASKS.list(at);
    const names = page.keys.map(({ name }) => name);
    // Model descriptions do not belong to a video.
    return [names.filter((name) => !name.startsWith('model:')), page.list_complete ? undefined : page.cursor];
  });
  return names.map((name) => name.replace('video:', ''));
}

/** The ids of all videos in R2. */
export async function fileIds({ VIDEOS }: Bindings): Promise<string[]> {
  const keys = await everyName(async (at) => {
    const page = await VIDEOS.list({ prefix: 'videos/', ...at });
    return [page.objects.map(({ key }) => key), page.truncated ? page.cursor : undefined];
  });
  return keys.map((key) => key.split('/')[1] ?? key);
}

/** The names on all pages of a list. */
async function everyName(
  page: (at: { cursor?: string }) => Promise<[names: string[], next: string | undefined]>,
): Promise<string[]> {
  const [names, next] = await page({});
  for (let cursor = next; cursor !== undefined; ) {
    const [more, after] = await page({ cursor });
    names.push(...more);
    cursor = after;
  }
  return names;
}
