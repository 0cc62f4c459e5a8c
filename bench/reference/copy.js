// The finished video from Wiro's CDN into R2, verified on the way: right host, right size, MP4 by its first bytes and its
// boxes, SHA-256 recorded.

import { Upload } from './http/upload.js';
import { log } from './log.js';
import { boxFacts } from './pure/boxes.js';
import { Digest } from './pure/digest.js';
import { chunksOf, joined, within } from './streams.js';
import { VIDEO_CONTENT_TYPE, videoKey } from './videos.js';

const HEADERS_MS = 30_000;
const STORE_MS = 30_000;
const WRITE_MS = 30_000;
const MAX_REDIRECTS = 3;
const MAGIC_BYTES = 12;
const MIN_FTYP_BYTES = 16;

/** What lies in R2 afterwards; undefined when it failed. Every failure is worth another try. */
export async function copy(env, settings, id, source) {
  const started = Date.now();
  const connection = new AbortController();
  try {
    const output = await verifiedCopy(env, settings, id, source, connection.signal);
    log.info('the video was copied', {
      'video.id': id,
      duration_ms: Date.now() - started,
      size_bytes: output.size,
    });
    return output;
  } catch (error) {
    // A body that nobody reads keeps its connection.
    connection.abort();
    log.warn('the copy failed', { 'video.id': id, duration_ms: Date.now() - started, error: String(error) });
    return undefined;
  }
}

async function verifiedCopy(env, settings, id, { url, size: expected }, signal) {
  const response = await open(settings.outputHosts, url, signal);
  const declared = response.headers.get('content-length');
  const offered = declared === null ? undefined : Number(declared);
  if (offered !== undefined && expected !== undefined && offered !== expected) {
    throw new Error(`${offered} bytes are offered where Wiro says ${expected}`);
  }
  const incoming = new Incoming(response.body);
  const size = expected ?? offered;
  const object = await (size === undefined ? incoming.upload(env, id) : incoming.put(env, id, size));
  if (object.size !== incoming.bytes) {
    throw new Error(`${object.size} bytes were stored where ${incoming.bytes} were sent`);
  }
  return {
    content_type: VIDEO_CONTENT_TYPE,
    size: object.size,
    sha256: await incoming.digest.finish(),
    etag: object.httpEtag,
    ...(await complete(env, id, object.size)),
  };
}

/** What the stored file says of itself; what is not complete is removed again. */
async function complete(env, id, size) {
  try {
    return await boxFacts(env, id, size);
  } catch (error) {
    await env.VIDEOS.delete(videoKey(id));
    throw error;
  }
}

/** Follows redirects by hand, so that every hop is checked before it is asked. */
async function open(hosts, text, signal) {
  let url = new URL(text);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    if (!isAllowed(hosts, url)) throw new Error('the output is not on a host of OUTPUT_HOSTS');
    const response = await within(HEADERS_MS, fetch(url, { redirect: 'manual', signal }));
    if (response.status === 200) return response;
    if (![301, 302, 303, 307, 308].includes(response.status)) throw new Error(`HTTP ${response.status}`);
    url = new URL(response.headers.get('location') ?? '', url);
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

/** https on a listed host or below one; http on a listed loopback host. */
function isAllowed(hosts, { protocol, host, hostname, username, password }) {
  if (username || password) return false;
  return hosts.some((listed) => {
    const is = listed.includes(':') ? host : hostname;
    if (protocol === 'http:') return is === listed && /^(localhost|127\..*|\[::1\])$/.test(hostname);
    return protocol === 'https:' && (is === listed || is.endsWith(`.${listed}`));
  });
}

/** A body whose first bytes are seen to be MP4; every byte is counted and hashed as it passes. */
class Incoming {
  bytes = 0;
  digest = new Digest();
  #chunks;

  constructor(body) {
    this.#chunks = chunksOf(body);
  }

  async put(env, id, size) {
    const { readable, writable } = new FixedLengthStream(size);
    const httpMetadata = { contentType: VIDEO_CONTENT_TYPE };
    const first = await this.#first();
    const put = env.VIDEOS.put(videoKey(id), readable, { httpMetadata });
    const writer = writable.getWriter();
    const send = async () => {
      try {
        for await (const chunk of this.#all(first)) await within(WRITE_MS, writer.write(chunk));
        await writer.close();
      } catch (error) {
        writer.abort(error).catch(() => {});
        throw error;
      }
      await within(STORE_MS, put);
    };
    const [object] = await Promise.all([put, send()]);
    return object;
  }

  /** Of unknown length. */
  async upload(env, id) {
    const upload = new Upload(env.VIDEOS, videoKey(id), VIDEO_CONTENT_TYPE);
    try {
      for await (const chunk of this.#all(await this.#first())) await upload.write(chunk);
      return await upload.finish();
    } catch (error) {
      await upload.abort();
      throw error;
    }
  }

  async #first() {
    let first = new Uint8Array();
    while (first.length < MAGIC_BYTES) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      first = joined([first, value], first.length + value.length);
    }
    const isMp4 =
      first.length >= MAGIC_BYTES && new TextDecoder('latin1').decode(first.subarray(4, 8)) === 'ftyp';
    if (!isMp4 || new DataView(first.buffer, first.byteOffset).getUint32(0) < MIN_FTYP_BYTES) {
      throw new Error('it does not begin like an MP4 file');
    }
    return first;
  }

  async *#all(first) {
    yield await this.#seen(first);
    for await (const chunk of this.#chunks) yield await this.#seen(chunk);
  }

  async #seen(chunk) {
    await this.digest.write(chunk);
    this.bytes += chunk.length;
    return chunk;
  }
}
