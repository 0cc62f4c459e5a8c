// GET and HEAD /v1/videos/{id}/content: the bytes from R2, whole or in part.
import { currentRecord } from '../call-object.js';
import { ownerOf } from '../clients.js';
import { fileStems, isFinal } from '../pure/record.js';
import { videoKey } from '../videos.js';
import { noSuchVideo, notFound, notReady, rangeNotSatisfiable } from './errors.js';
import { select } from './range.js';
import { RETRY_AFTER_SECONDS } from './status.js';

/** A video never changes under its URL, but may be deleted. */
const CACHE_CONTROL = 'private, max-age=3600';

export async function content(call, id) {
  const { request, env, url } = call;
  await mayPlay(call, id);
  const record = await currentRecord(env, id);
  if (!isFinal(record)) throw notReady(RETRY_AFTER_SECONDS);
  const { output } = record;
  if (record.status !== 'completed' || !output) throw notFound('This video ended without content.');

  const isHead = request.method === 'HEAD';
  const modifiedAt = record.completed_at ?? record.created_at;
  const selected = select(request.headers, !isHead, { size: output.size, etag: output.etag, modifiedAt });
  const headers = {
    'accept-ranges': 'bytes',
    etag: output.etag,
    'last-modified': new Date(modifiedAt * 1000).toUTCString(),
    'cache-control': CACHE_CONTROL,
  };
  if (selected === 'unchanged') return new Response(null, { status: 304, headers });
  if (selected === 'unsatisfiable') throw rangeNotSatisfiable(output.size);
  const isPart = selected !== 'whole';
  const [first, last] = isPart ? selected : [0, output.size - 1];
  const length = last - first + 1;
  if (isPart) headers['content-range'] = `bytes ${first}-${last}/${output.size}`;
  Object.assign(headers, {
    'content-type': output.content_type,
    'content-length': `${length}`,
    'content-disposition': disposition(url, record),
    'repr-digest': `sha-256=:${Uint8Array.fromHex(output.sha256).toBase64()}:`,
    'cross-origin-resource-policy': 'cross-origin',
  });
  const status = isPart ? 206 : 200;
  if (isHead) return new Response(null, { status, headers });
  const object = await env.VIDEOS.get(videoKey(id), { range: { offset: first, length } });
  if (!object) throw noSuchVideo();
  return new Response(object.body, { status, headers });
}

/** A grant replaces the owner's token, because a <video> element cannot send headers. */
async function mayPlay(call, id) {
  const grant = call.url.searchParams.get('grant');
  if (grant !== null && (await call.settings.signingKeys.isGrant(id, grant))) return;
  await ownerOf(call, id);
}

function disposition(url, record) {
  if (url.searchParams.get('download') !== '1') return `inline; filename="${record.id}.mp4"`;
  const { ascii, own } = fileStems(record);
  const plain = `attachment; filename="${ascii}.mp4"`;
  return own === ascii ? plain : `${plain}; filename*=UTF-8''${encodeURIComponent(own)}.mp4`;
}
