// Writes thousands of completed videos into the storage of a stopped service: the records in KV and the rows of the
// dispatcher, equal to those that the Worker wrote for a first video. Their objects and files do not exist, because
// nothing measured here needs them.
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { minter } from './ids.ts';
import { SIGNING_KEY } from './subject.ts';

interface Entry {
  key: string;
  blob_id: string;
  expiration: number;
  metadata: string;
}

const LAST_SECOND = 9_999_999_999;

/** Adds this many videos of the owner to the existing one; returns their ids, the newest last. */
export function addVideos(storage: string, owner: string, count: number): string[] {
  const mint = minter(SIGNING_KEY, owner);
  const blobs = join(storage, 'kv/TASKS/blobs');
  const kv = open(storage, 'kv/miniflare-KVNamespaceObject');
  const dispatcher = open(storage, 'do/*-Dispatcher');
  const [first, key] = ['video:%', 'owner:%'].map((like) => {
    return kv.prepare('SELECT * FROM _mf_entries WHERE key LIKE ? LIMIT 1').get(like) as unknown as Entry;
  });
  if (!first || !key) throw new Error('there is no video to go by');
  const record = JSON.parse(readFileSync(join(blobs, first.blob_id), 'utf8'));
  const entries = kv.prepare('INSERT INTO _mf_entries VALUES (?, ?, ?, ?)');
  const owned = dispatcher.prepare('INSERT INTO owned (id, owner, created_at) VALUES (?, ?, ?)');
  // The reference keeps the job of a video that has ended.
  const hasEnded = dispatcher.prepare("SELECT 1 FROM sqlite_master WHERE name = 'ended'").get();
  const ended = dispatcher.prepare(
    hasEnded
      ? 'INSERT INTO ended (id, expires_at) VALUES (?, ?)'
      : "INSERT INTO jobs (id, state, look_at) VALUES (?, 'gone', ? * 1000)",
  );
  const expiresAt = Math.floor(Date.now() / 1000) + 30 * 86_400;
  for (const database of [kv, dispatcher]) database.exec('BEGIN');
  const ids = Array.from({ length: count }, mint);
  for (const id of ids) {
    const blob = randomBytes(40).toString('hex');
    writeFileSync(join(blobs, blob), JSON.stringify({ ...record, id }));
    entries.run(`video:${id}`, blob, first.expiration, first.metadata);
    const newestFirst = LAST_SECOND - record.created_at;
    entries.run(`owner:${owner}:${newestFirst}:${id}`, key.blob_id, key.expiration, null);
    owned.run(id, owner, record.created_at);
    ended.run(id, expiresAt);
  }
  for (const database of [kv, dispatcher]) {
    database.exec('COMMIT');
    database.close();
  }
  return ids;
}

/** The only object of its class. */
function open(storage: string, folder: string): DatabaseSync {
  const [file] = globSync(join(storage, folder, '*.sqlite')).filter(
    (file) => !file.endsWith('metadata.sqlite'),
  );
  if (!file) throw new Error(`there is no database in ${folder}`);
  return new DatabaseSync(file);
}
