// Everything that KV and R2 hold, as rows for a table.
import type { KVNamespace, R2Bucket } from '@cloudflare/workers-types';
import { bytes } from '../shared/terminal.ts';

/** Name, size, metadata and end of each key. There are only a few: one page of the list is all. */
export async function keyRows(namespace: KVNamespace): Promise<string[][]> {
  const { keys } = await namespace.list<Record<string, unknown>>();
  const rows = keys.map(async ({ name, metadata, expiration }) => {
    const value = await namespace.get(name, 'arrayBuffer');
    const pairs = Object.entries(metadata ?? {}).map(([field, text]) => `${field}=${text}`);
    const end = expiration ? `until ${new Date(expiration * 1000).toISOString().slice(0, 10)}` : 'for ever';
    return [name, bytes(value?.byteLength ?? 0), pairs.join(' '), end];
  });
  return Promise.all(rows);
}

/** Name, size and content type of each object. */
export async function objectRows(bucket: R2Bucket): Promise<string[][]> {
  const { objects } = await bucket.list({ include: ['httpMetadata'] });
  return objects.map(({ key, size, httpMetadata }) => [
    ...[key, bytes(size)],
    httpMetadata?.contentType ?? 'without a content type',
  ]);
}
