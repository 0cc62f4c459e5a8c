// KV: the published record of each video, and whose it is.

const MIN_TTL_SECONDS = 60;
const LAST_SECOND = 9_999_999_999;

const key = (id) => `video:${id}`;

/** As it was last published; undefined when it is not there. */
export async function readRecord(env, id) {
  return (await env.TASKS.get(key(id), 'json')) ?? undefined;
}

/** Each of these, at most 100, in one operation. */
export async function readRecords(env, ids) {
  if (ids.length === 0) return [];
  const found = await env.TASKS.get(ids.map(key), 'json');
  return ids.map((id) => found.get(key(id)) ?? undefined);
}

export async function publish(env, record, owner, retentionSeconds) {
  const expirationTtl = Math.max(MIN_TTL_SECONDS, retentionSeconds);
  const { id, status, created_at } = record;
  const metadata = { status, created_at };
  await env.TASKS.put(key(id), JSON.stringify(record), { expirationTtl, metadata });
  if (owner !== '') {
    const newestFirst = String(LAST_SECOND - created_at).padStart(10, '0');
    await env.TASKS.put(`owner:${owner}:${newestFirst}:${id}`, '', { expirationTtl });
  }
}
