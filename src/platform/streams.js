// The JavaScript half of streams.rs: a chunk, or a small body, is read in one call.

/** The runtime fills at most 4 KiB of a buffer of its own. */
const CHUNK_BYTES = 64 * 1024;

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

/** Reads a stream chunk by chunk. */
export class ByteReader {
  #reader;
  /** The read that is under way. The runtime allows one, and whoever waited for it may have given up. */
  #read;

  constructor(stream) {
    this.#reader = stream.getReader({ mode: 'byob' });
  }

  /** The next chunk; undefined at the end, null when nothing came in time. */
  async next(idleMs) {
    this.#read ??= this.#reader.read(new Uint8Array(CHUNK_BYTES));
    const read = await within(idleMs, this.#read);
    if (read === null) return null;
    this.#read = undefined;
    if (read.done) return undefined;
    // Whoever keeps a few bytes must not keep the whole buffer.
    return read.value.length < CHUNK_BYTES / 2 ? read.value.slice() : read.value;
  }

  cancel() {
    this.#reader.cancel().catch(() => {});
  }
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
  return readWhole(new ByteReader(request.body), maxBytes, idleMs);
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
  const reader = new ByteReader(body);
  const whole = await readWhole(reader, maxBytes, idleMs);
  if (!whole) reader.cancel();
  return whole;
}

/** Reads what is left of a client's body, up to a limit, and forgets it. `reader` is who has read it so far. */
export async function drain(request, reader, maxBytes, idleMs) {
  if (!reader) {
    const declared = request.headers.get('content-length');
    if (declared !== null && Number(declared) <= CHUNK_BYTES && !request.bodyUsed) {
      await within(idleMs, request.bytes());
      return;
    }
    if (request.body === null || request.body.locked) return;
  }
  const source = reader ?? new ByteReader(request.body);
  for (let left = maxBytes; left > 0; ) {
    const chunk = await source.next(idleMs);
    if (!chunk) return;
    left -= chunk.length;
  }
}

async function readWhole(reader, maxBytes, idleMs) {
  let held = new Uint8Array(0);
  let length = 0;
  for (;;) {
    const chunk = await reader.next(idleMs);
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
