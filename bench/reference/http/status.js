// GET /health, and GET /v1/videos/{id}: the Video as it stands, or, with Prefer: wait=N, as soon as it has moved.
import { currentRecord } from '../call-object.js';
import { ownerOf } from '../clients.js';
import { isFinal, shown } from '../pure/record.js';
import { preferredWait } from './prefer.js';
import { matchesAny } from './range.js';

const VERSION = '0.1.0';
export const RETRY_AFTER_SECONDS = 3;
export const ASK_AGAIN = {
  'retry-after': `${RETRY_AFTER_SECONDS}`,
  'openai-poll-after-ms': `${RETRY_AFTER_SECONDS * 1000}`,
};
const ETAG_BYTES = 16;

export function health({ settings }) {
  const body = { protection: settings.clients ? 'tokens' : 'none', status: 'ok', version: VERSION };
  return Response.json(body, { headers: { 'cache-control': 'no-store' } });
}

export async function status(call, id) {
  const { request, env } = call;
  const owner = await ownerOf(call, id);
  const wait = preferredWait(request.headers.get('prefer'));
  const record = await currentRecord(env, id, (task) => (wait ? task.readChanged(wait) : task.read()));
  const body = new TextEncoder().encode(JSON.stringify(await shown(call, owner, record)));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  const etag = `"${digest.subarray(0, ETAG_BYTES).toHex()}"`;
  const headers = { etag, 'cache-control': 'private, no-cache' };
  if (wait) headers['preference-applied'] = `wait=${wait}`;
  if (!isFinal(record)) Object.assign(headers, ASK_AGAIN);
  const known = request.headers.get('if-none-match');
  if (known !== null && matchesAny(known, etag)) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, 'content-type': 'application/json' } });
}
