// Reads what the Worker has stored for a video.
import { createHash } from 'node:crypto';
import { vi } from 'vitest';
import type { Service } from './service.ts';
import type { Video } from './types.ts';

/** The record as KV holds it. */
export type StoredRecord = Omit<Video, 'urls'>;

export interface RecordMetadata {
  status: Video['status'];
  created_at: number;
}

/** A record in KV: its text, what it says, and its metadata. */
export interface Stored {
  text: string;
  record: StoredRecord;
  metadata: RecordMetadata | null;
}

export interface StoredVideo {
  size: number;
  sha256: string;
  contentType: string | undefined;
}

/** Undefined before it was published. */
export async function storedRecord({ bindings }: Service, id: string): Promise<Stored | undefined> {
  const { value, metadata } = await bindings.TASKS.getWithMetadata<RecordMetadata>(`video:${id}`);
  return value === null ? undefined : { text: value, record: JSON.parse(value) as StoredRecord, metadata };
}

/** The record as soon as KV has it with this status: it is written a moment after it was decided. */
export function publishedRecord(service: Service, id: string, status: Video['status']): Promise<Stored> {
  return vi.waitFor(
    async () => {
      const stored = await storedRecord(service, id);
      if (stored?.record.status !== status) throw new Error(`in KV is ${stored?.text}, not ${status}`);
      return stored;
    },
    { timeout: 30_000, interval: 10 },
  );
}

/** When KV forgets the record, in unix seconds. */
export async function recordExpiration({ bindings }: Service, id: string): Promise<number | undefined> {
  const { keys } = await bindings.TASKS.list({ prefix: `video:${id}` });
  return keys[0]?.expiration;
}

/** What lies under the video's key; undefined when nothing does. */
export async function storedVideo({ bindings }: Service, id: string): Promise<StoredVideo | undefined> {
  const object = await bindings.VIDEOS.get(`videos/${id}/0.mp4`);
  if (!object) return undefined;
  const bytes = new Uint8Array(await object.arrayBuffer());
  return { size: bytes.length, sha256: sha256(bytes), contentType: object.httpMetadata?.contentType };
}

/** Whether anything lies under the video's key: unlike `storedVideo`, also while it is being deleted. */
export async function isVideoStored({ bindings }: Service, id: string): Promise<boolean> {
  return (await bindings.VIDEOS.head(`videos/${id}/0.mp4`)) !== null;
}

/** In hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
