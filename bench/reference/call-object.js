// The video as it stands, from wherever it is known.
import { noSuchVideo } from './http/errors.js';
import { log } from './log.js';
import { isFinal } from './pure/record.js';
import { readRecord } from './records.js';

export const taskOf = (env, id) => env.VIDEO_TASK.getByName(id);

/** KV if it is final there, else its object, asked in this way. */
export async function currentRecord(env, id, ask = (task) => task.read()) {
  const published = await readRecord(env, id).catch((error) =>
    log.warn('the record cannot be read', { 'video.id': id, error: String(error) }),
  );
  if (published && isFinal(published)) return published;
  const record = await ask(taskOf(env, id));
  if (!record) throw noSuchVideo();
  return record;
}
