// The JavaScript half of streams.rs: a chunk is read or written, a small body read, in one call.

/** The runtime fills at most 4 KiB of a buffer of its own. */
const CHUNK_BYTES = 64 * 1024;

/**
 * What a promise comes to; null when that takes too long.
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @returns {Promise<T | null>}
 */
function within(ms, promise) {
  const patience = new Patience(ms);
  return patience.wait(promise).finally(() => patience.end());
}

/** Waits for one thing after the other, for each so long. Its timer is set anew only when it has gone off. */
class Patience {
  #ms;
  #due = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Of who waits now. @type {((value: null) => void) | undefined} */
  #giveUp;
  #isOver = false;

  /** @param {number} ms */
  constructor(ms) {
    this.#ms = ms;
  }

  /**
   * What a promise comes to; null when that takes too long, and ever after.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T | null>}
   */
  wait(promise) {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return resolve(null);
      this.#due = Date.now() + this.#ms;
      this.#timer ??= setTimeout(() => this.#look(), this.#ms);
      this.#giveUp = resolve;
      /** @param {(outcome: any) => void} end */
      const settle = (end) => (/** @type {any} */ outcome) => {
        if (this.#giveUp === resolve) this.#giveUp = undefined;
        end(outcome);
      };
      promise.then(settle(resolve), settle(reject));
    });
  }

  /**
   * From now on it is so long.
   * @param {number} ms
   */
  become(ms) {
    this.end();
    this.#ms = ms;
  }

  /** Nothing more is waited for. */
  end() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look() {
    this.#timer = undefined;
    if (!this.#giveUp) return;
    const left = this.#due - Date.now();
    if (left > 0) {
      this.#timer = setTimeout(() => this.#look(), left);
    } else {
      this.#isOver = true;
      this.#giveUp(null);
    }
  }
}

/** Reads a stream chunk by chunk. */
export class ByteReader {
  #reader;
  #patience;
  /**
   * The read that is under way. The runtime allows one, and whoever waited for it may have given up.
   * @type {Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> | undefined}
   */
  #read;
  /** To be read into. @type {Uint8Array<ArrayBuffer> | undefined} */
  #buffer;
  /** How long the source may take in all: so long, and longer the more it has sent. */
  #graceMs;
  #leastBytesPerMs;
  #receivedBytes = 0;
  /** How long the source was waited for. The time that others take is not its own. */
  #waitedMs = 0;

  /**
   * @param {ReadableStream} stream
   * @param {number} idleMs how long a chunk may take
   * @param {number} graceMs after which the source must have sent at the least rate
   * @param {number} leastBytesPerSecond
   */
  constructor(stream, idleMs, graceMs = Number.POSITIVE_INFINITY, leastBytesPerSecond = 1) {
    this.#reader = stream.getReader({ mode: 'byob' });
    this.#patience = new Patience(idleMs);
    this.#graceMs = graceMs;
    this.#leastBytesPerMs = leastBytesPerSecond / 1000;
  }

  /** The next chunk; undefined at the end, null when it did not come in time, or too little came in all the time. */
  async next() {
    const began = Date.now();
    this.#read ??= this.#reader.read(this.#buffer ?? new Uint8Array(CHUNK_BYTES));
    this.#buffer = undefined;
    const read = await this.#patience.wait(this.#read);
    this.#waitedMs += Date.now() - began;
    if (read === null || this.#isTooSlow()) return null;
    this.#read = undefined;
    const { done, value } = read;
    if (done) {
      this.#patience.end();
      return undefined;
    }
    this.#receivedBytes += value.length;
    if (value.length >= CHUNK_BYTES / 2) return value;
    // Whoever keeps a few bytes must not keep the whole buffer.
    this.#buffer = new Uint8Array(value.buffer);
    return value.slice();
  }

  /**
   * From now on it may take so long.
   * @param {number} idleMs
   * @param {number} graceMs
   * @param {number} leastBytesPerSecond
   */
  allow(idleMs, graceMs, leastBytesPerSecond) {
    this.#patience.become(idleMs);
    this.#graceMs = graceMs;
    this.#leastBytesPerMs = leastBytesPerSecond / 1000;
    this.#receivedBytes = 0;
    this.#waitedMs = 0;
  }

  #isTooSlow() {
    return this.#waitedMs > this.#graceMs + this.#receivedBytes / this.#leastBytesPerMs;
  }

  cancel() {
    this.#patience.end();
    this.#reader.cancel().catch(() => {});
  }
}

/**
 * Who reads a client's body. Whoever wanted it may give up in the middle; then it is read on, to be thrown away.
 * @type {WeakMap<Request, ByteReader>}
 */
const readers = new WeakMap();

/**
 * The one that reads this body, if there is a body.
 * @param {Request} request
 * @param {number} idleMs how long a chunk may take
 * @param {number} [graceMs] after which it must have come at the least rate
 * @param {number} [leastBytesPerSecond]
 */
export function readerOf(request, idleMs, graceMs = Number.POSITIVE_INFINITY, leastBytesPerSecond = 1) {
  const known = readers.get(request);
  known?.allow(idleMs, graceMs, leastBytesPerSecond);
  if (known || request.bodyUsed || request.body === null) return known;
  const reader = new ByteReader(request.body, idleMs, graceMs, leastBytesPerSecond);
  readers.set(request, reader);
  return reader;
}

/** Writes to a stream chunk by chunk. */
export class ByteWriter {
  #writer;
  #patience;

  /**
   * @param {WritableStream} stream
   * @param {number} idleMs how long a chunk may take
   */
  constructor(stream, idleMs) {
    this.#writer = stream.getWriter();
    this.#patience = new Patience(idleMs);
  }

  /**
   * Resolves when the reading end has taken the chunk, to null when that takes too long.
   * @param {Uint8Array} chunk
   */
  write(chunk) {
    return this.#patience.wait(this.#writer.write(chunk));
  }

  /** The same for the end. */
  async close() {
    const closed = await this.#patience.wait(this.#writer.close());
    this.#patience.end();
    return closed;
  }

  /** Makes the reading end fail. The runtime may log it, for whoever was sending on what came out. */
  abort() {
    this.#patience.end();
    this.#writer.abort(new Error('the body was given up before its end')).catch(() => {});
  }
}

/**
 * The body of a client's request; undefined when it is longer than that, null when it did not come in time.
 * @param {Request} request
 * @param {number} maxBytes
 * @param {number} idleMs of all of it, where its length was declared
 * @param {number} [graceMs]
 * @param {number} [leastBytesPerSecond]
 */
export async function readRequest(
  request,
  maxBytes,
  idleMs,
  graceMs = Number.POSITIVE_INFINITY,
  leastBytesPerSecond = 1,
) {
  const declared = request.headers.get('content-length');
  if (declared !== null) {
    // It brings no more than it declares, and nothing that unfolds. The stream is not even made.
    return Number(declared) > maxBytes ? undefined : within(idleMs, request.bytes());
  }
  const reader = readerOf(request, idleMs, graceMs, leastBytesPerSecond);
  return reader ? readWhole(reader, maxBytes) : new Uint8Array(0);
}

/**
 * The same of a response, which is not read on when it is too long or too late.
 * @param {Response} response
 * @param {number} maxBytes
 * @param {number} idleMs
 */
export async function readResponse(response, maxBytes, idleMs) {
  const { body, headers } = response;
  if (body === null) return new Uint8Array(0);
  const declared = headers.get('content-length');
  // A compressed one declares what came over the wire.
  if (declared !== null && Number(declared) <= maxBytes && !headers.has('content-encoding')) {
    return within(idleMs, response.bytes());
  }
  const reader = new ByteReader(body, idleMs);
  const whole = await readWhole(reader, maxBytes);
  if (!whole) reader.cancel();
  return whole;
}

/**
 * Reads what is left of a client's body, up to a limit, and forgets it; undefined when nothing is.
 * @param {Request} request
 * @param {number} maxBytes
 * @param {number} idleMs of all of it, where it was declared to be small
 * @param {number} [graceMs]
 * @param {number} [leastBytesPerSecond]
 */
export function drain(
  request,
  maxBytes,
  idleMs,
  graceMs = Number.POSITIVE_INFINITY,
  leastBytesPerSecond = 1,
) {
  const known = readers.get(request);
  if (!known && (request.bodyUsed || request.body === null)) return undefined;
  const declared = request.headers.get('content-length');
  if (!known && declared !== null && Number(declared) <= CHUNK_BYTES) {
    return within(idleMs, request.bytes());
  }
  return readAway(readerOf(request, idleMs, graceMs, leastBytesPerSecond), maxBytes);
}

/**
 * @param {ByteReader | undefined} reader
 * @param {number} maxBytes
 */
async function readAway(reader, maxBytes) {
  for (let left = maxBytes; reader && left > 0; ) {
    const chunk = await reader.next();
    if (!chunk) return;
    left -= chunk.length;
  }
}

/**
 * @param {ByteReader} reader
 * @param {number} maxBytes
 */
async function readWhole(reader, maxBytes) {
  let held = new Uint8Array(0);
  let length = 0;
  for (;;) {
    const chunk = await reader.next();
    if (chunk === null) return null;
    if (chunk === undefined) return held.subarray(0, length);
    if (length + chunk.length > maxBytes) return undefined;
    held = appended(held, length, chunk);
    length += chunk.length;
  }
}

/**
 * The first `length` bytes of what is held and a chunk behind them, with room to grow.
 * @param {Uint8Array<ArrayBuffer>} held
 * @param {number} length
 * @param {Uint8Array<ArrayBuffer>} chunk
 */
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
