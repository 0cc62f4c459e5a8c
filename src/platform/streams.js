// The JavaScript half of streams.rs: a chunk, or a small body, is read in one call.

/** The runtime fills at most 4 KiB of a buffer of its own. */
const CHUNK_BYTES = 64 * 1024;

export function byteReader(stream) {
  return stream.getReader({ mode: 'byob' });
}

/** What a promise comes to; null when that takes too long. */
function within(ms, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, null);
    const settle = (end) => (value) => {
      clearTimeout(timer);
      end(value);
    };
    promise.then(settle(resolve), settle(reject));
  });
}

/** The next chunk; undefined at the end, null when nothing came in time. */
export async function readChunk(reader, idleMs) {
  const read = await within(idleMs, reader.read(new Uint8Array(CHUNK_BYTES)));
  if (read === null) return null;
  if (read.done) return undefined;
  // Whoever keeps a few bytes must not keep the whole buffer.
  return read.value.length < CHUNK_BYTES / 2 ? read.value.slice() : read.value;
}

/** Resolves when the reading end has taken the chunk, to null when that takes too long. */
export const writeChunk = (sink, chunk, idleMs) => within(idleMs, sink.write(chunk));

/** The body of a client's request; undefined when it is longer than that, null when it did not come in time. */
export async function readRequest(request, maxBytes, idleMs) {
  const declared = request.headers.get('content-length');
  if (declared !== null) {
    // It brings no more than it declares, and nothing that unfolds. The stream is not even made.
    return Number(declared) > maxBytes ? undefined : within(idleMs, request.bytes());
  }
  if (request.body === null) return new Uint8Array(0);
  const reader = byteReader(request.body);
  const whole = await readWhole(reader, maxBytes, idleMs);
  // The runtime throws over a lock that is released in the middle of a read.
  if (whole !== null) reader.releaseLock();
  return whole;
}

/** The same of a response, which is not read on when it is too long or too late. */
export async function readResponse(response, maxBytes, idleMs) {
  const { body, headers } = response;
  if (body === null) return new Uint8Array(0);
  const declared = headers.get('content-length');
  // A compressed one declares what came over the wire.
  if (declared !== null && Number(declared) <= maxBytes && !headers.has('content-encoding')) {
    return within(idleMs, response.bytes());
  }
  const reader = byteReader(body);
  const whole = await readWhole(reader, maxBytes, idleMs);
  if (!whole) reader.cancel().catch(() => {});
  return whole;
}

/** Reads what is left of a client's body, up to a limit, and forgets it. */
export async function drain(request, maxBytes, idleMs) {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) <= CHUNK_BYTES && !request.bodyUsed) {
    await within(idleMs, request.bytes());
    return;
  }
  const { body } = request;
  if (body === null || body.locked) return;
  const reader = byteReader(body);
  for (let left = maxBytes; left > 0; ) {
    const chunk = await readChunk(reader, idleMs);
    if (!chunk) return;
    left -= chunk.length;
  }
  reader.releaseLock();
}

async function readWhole(reader, maxBytes, idleMs) {
  let held = new Uint8Array(0);
  let length = 0;
  for (;;) {
    const chunk = await readChunk(reader, idleMs);
    if (chunk === null) return null;
    if (chunk === undefined) return held.subarray(0, length);
    if (length + chunk.length > maxBytes) return undefined;
    held = appended(held, length, chunk);
    length += chunk.length;
  }
}

/** The first `length` bytes of what is held and a chunk behind them, with room to grow. */
function appended(held, length, chunk) {
  if (length === 0) return chunk;
  let room = held;
  if (length + chunk.length > held.length) {
    room = new Uint8Array(2 * (length + chunk.length));
    room.set(held.subarray(0, length));
  }
  room.set(chunk, length);
  return room;
}
