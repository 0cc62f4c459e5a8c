// The JavaScript half of streams.rs. One call reads or writes a chunk, or reads a small body.

/** The size of our read buffer, because the runtime's own buffers have only 4 KiB. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Awaits a promise; null after a timeout.
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @returns {Promise<T | null>}
 */
function withTimeout(ms, promise) {
  const timeout = new Timeout(ms);
  return timeout.wait(promise).finally(() => timeout.end());
}

/** Awaits promises one after the other, each with the same timeout. One timer serves many waits. */
class Timeout {
  #ms;
  #due = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Ends the current wait. @type {((value: null) => void) | undefined} */
  #resolveNull;
  #isOver = false;

  /** @param {number} ms */
  constructor(ms) {
    this.#ms = ms;
  }

  /**
   * Awaits a promise; null after a timeout, and for all later promises too.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T | null>}
   */
  wait(promise) {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return resolve(null);
      this.#due = Date.now() + this.#ms;
      this.#timer ??= setTimeout(() => this.#onTimer(), this.#ms);
      this.#resolveNull = resolve;
      /** @param {(outcome: any) => void} end */
      const settle = (end) => (/** @type {any} */ outcome) => {
        if (this.#resolveNull === resolve) this.#resolveNull = undefined;
        end(outcome);
      };
      promise.then(settle(resolve), settle(reject));
    });
  }

  /**
   * Changes the timeout.
   * @param {number} ms
   */
  change(ms) {
    this.end();
    this.#ms = ms;
  }

  /** Stops the timer. */
  end() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #onTimer() {
    this.#timer = undefined;
    if (!this.#resolveNull) return;
    const left = this.#due - Date.now();
    if (left > 0) {
      this.#timer = setTimeout(() => this.#onTimer(), left);
    } else {
      this.#isOver = true;
      this.#resolveNull(null);
    }
  }
}

/** Reads a stream chunk by chunk. */
export class ByteReader {
  #reader;
  #timeout;
  /**
   * The pending read. The runtime allows only one, and a read that timed out stays pending.
   * @type {Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> | undefined}
   */
  #read;
  /** The buffer for the next read. @type {Uint8Array<ArrayBuffer> | undefined} */
  #buffer;
  /** The source may be waited for this long in total, plus the time for its bytes at the minimum rate. */
  #graceMs;
  #minBytesPerMs;
  #receivedBytes = 0;
  /** How long reads have waited for the source. */
  #waitedMs = 0;

  /**
   * @param {ReadableStream} stream
   * @param {number} idleMs the timeout for a chunk
   * @param {number} graceMs after this time the minimum rate applies
   * @param {number} minBytesPerSecond
   */
  constructor(stream, idleMs, graceMs = Number.POSITIVE_INFINITY, minBytesPerSecond = 1) {
    this.#reader = stream.getReader({ mode: 'byob' });
    this.#timeout = new Timeout(idleMs);
    this.#graceMs = graceMs;
    this.#minBytesPerMs = minBytesPerSecond / 1000;
  }

  /** The next chunk; undefined at the end, null after a timeout or if the source is slower than the minimum rate. */
  async next() {
    const began = Date.now();
    this.#read ??= this.#reader.read(this.#buffer ?? new Uint8Array(CHUNK_BYTES));
    this.#buffer = undefined;
    const read = await this.#timeout.wait(this.#read);
    this.#waitedMs += Date.now() - began;
    if (read === null || this.#isTooSlow()) return null;
    this.#read = undefined;
    const { done, value } = read;
    if (done) {
      this.#timeout.end();
      return undefined;
    }
    this.#receivedBytes += value.length;
    if (value.length >= CHUNK_BYTES / 2) return value;
    // Copy a small chunk, so that keeping it does not keep the whole buffer.
    this.#buffer = new Uint8Array(value.buffer);
    return value.slice();
  }

  /**
   * Changes the limits.
   * @param {number} idleMs
   * @param {number} graceMs
   * @param {number} minBytesPerSecond
   */
  allow(idleMs, graceMs, minBytesPerSecond) {
    this.#timeout.change(idleMs);
    this.#graceMs = graceMs;
    this.#minBytesPerMs = minBytesPerSecond / 1000;
    this.#receivedBytes = 0;
    this.#waitedMs = 0;
  }

  #isTooSlow() {
    return this.#waitedMs > this.#graceMs + this.#receivedBytes / this.#minBytesPerMs;
  }

  cancel() {
    this.#timeout.end();
    this.#reader.cancel().catch(() => {});
  }
}

/**
 * The readers of request bodies. A handler may stop in the middle; then the same reader discards the rest.
 * @type {WeakMap<Request, ByteReader>}
 */
const readers = new WeakMap();

/**
 * The reader of a request body; undefined without a body.
 * @param {Request} request
 * @param {number} idleMs the timeout for a chunk
 * @param {number} [graceMs] after this time the minimum rate applies
 * @param {number} [minBytesPerSecond]
 */
export function readerOf(request, idleMs, graceMs = Number.POSITIVE_INFINITY, minBytesPerSecond = 1) {
  const known = readers.get(request);
  known?.allow(idleMs, graceMs, minBytesPerSecond);
  if (known || request.bodyUsed || request.body === null) return known;
  const reader = new ByteReader(request.body, idleMs, graceMs, minBytesPerSecond);
  readers.set(request, reader);
  return reader;
}

/** Writes to a stream chunk by chunk. */
export class ByteWriter {
  #writer;
  #timeout;

  /**
   * @param {WritableStream} stream
   * @param {number} idleMs the timeout for a chunk
   */
  constructor(stream, idleMs) {
    this.#writer = stream.getWriter();
    this.#timeout = new Timeout(idleMs);
  }

  /**
   * Resolves when the chunk was read at the other end; to null after a timeout.
   * @param {Uint8Array} chunk
   */
  write(chunk) {
    return this.#timeout.wait(this.#writer.write(chunk));
  }

  /** Resolves when the end was read; to null after a timeout. */
  async close() {
    const closed = await this.#timeout.wait(this.#writer.close());
    this.#timeout.end();
    return closed;
  }

  /** Makes the readable end fail. The runtime may log the error. */
  abort() {
    this.#timeout.end();
    this.#writer.abort(new Error('the body was given up before its end')).catch(() => {});
  }
}

/**
 * Reads a request body; undefined if it is too long, null after a timeout.
 * @param {Request} request
 * @param {number} maxBytes
 * @param {number} idleMs the timeout for a chunk; for the whole body if its length was declared
 * @param {number} [graceMs]
 * @param {number} [minBytesPerSecond]
 */
export async function readRequest(
  request,
  maxBytes,
  idleMs,
  graceMs = Number.POSITIVE_INFINITY,
  minBytesPerSecond = 1,
) {
  const declared = request.headers.get('content-length');
  if (declared !== null) {
    // The runtime limits the body to its declared length, and request bodies are not decompressed. No stream is needed.
    return Number(declared) > maxBytes ? undefined : withTimeout(idleMs, request.bytes());
  }
  const reader = readerOf(request, idleMs, graceMs, minBytesPerSecond);
  return reader ? readWhole(reader, maxBytes) : new Uint8Array(0);
}

/**
 * Reads a response body like `readRequest`, but cancels it if it is too long or timed out.
 * @param {Response} response
 * @param {number} maxBytes
 * @param {number} idleMs
 */
export async function readResponse(response, maxBytes, idleMs) {
  const { body, headers } = response;
  if (body === null) return new Uint8Array(0);
  const declared = headers.get('content-length');
  // With compression the declared length is the compressed one.
  if (declared !== null && Number(declared) <= maxBytes && !headers.has('content-encoding')) {
    return withTimeout(idleMs, response.bytes());
  }
  const reader = new ByteReader(body, idleMs);
  const whole = await readWhole(reader, maxBytes);
  if (!whole) reader.cancel();
  return whole;
}

/**
 * Reads and discards the rest of a request body up to a limit; undefined if there is none.
 * @param {Request} request
 * @param {number} maxBytes
 * @param {number} idleMs the timeout for a chunk; for the whole body if a small length was declared
 * @param {number} [graceMs]
 * @param {number} [minBytesPerSecond]
 */
export function drain(request, maxBytes, idleMs, graceMs = Number.POSITIVE_INFINITY, minBytesPerSecond = 1) {
  const known = readers.get(request);
  if (!known && (request.bodyUsed || request.body === null)) return undefined;
  const declared = request.headers.get('content-length');
  if (!known && declared !== null && Number(declared) <= CHUNK_BYTES) {
    return withTimeout(idleMs, request.bytes());
  }
  return discardRest(readerOf(request, idleMs, graceMs, minBytesPerSecond), maxBytes);
}

/**
 * @param {ByteReader | undefined} reader
 * @param {number} maxBytes
 */
async function discardRest(reader, maxBytes) {
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
  let buffer = new Uint8Array(0);
  let length = 0;
  for (;;) {
    const chunk = await reader.next();
    if (chunk === null) return null;
    if (chunk === undefined) return buffer.subarray(0, length);
    if (length + chunk.length > maxBytes) return undefined;
    buffer = append(buffer, length, chunk);
    length += chunk.length;
  }
}

/**
 * Appends a chunk after the first `length` bytes; the result may be a larger buffer.
 * @param {Uint8Array<ArrayBuffer>} buffer
 * @param {number} length
 * @param {Uint8Array<ArrayBuffer>} chunk
 */
function append(buffer, length, chunk) {
  if (length === 0) return chunk;
  let target = buffer;
  if (length + chunk.length > buffer.length) {
    target = new Uint8Array(2 * (length + chunk.length));
    target.set(buffer.subarray(0, length));
  }
  target.set(chunk, length);
  return target;
}
