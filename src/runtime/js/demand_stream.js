// The JavaScript half of demand_stream.rs.

/** The callback of the newest wasm instance. A stream calls the callback of the instance that made it. */
let currentCallback;

/** @param callback called with a stream's key and whether its reader is gone; otherwise the reader wants a chunk */
export function onDemand(callback) {
  currentCallback = callback;
}

export class DemandStream {
  #callback = currentCallback;
  #key;
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  #controller;
  #wantsChunk = false;
  #isAdding = false;

  /** @param {number} key */
  constructor(key) {
    this.#key = key;
    // Without a buffer: a chunk is wanted only while a read is pending.
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#wantsChunk = true;
          if (!this.#isAdding) this.#report(false);
        },
        cancel: () => this.#report(true),
      },
      { highWaterMark: 0 },
    );
  }

  /** Returns whether another chunk is wanted at once. @param {Uint8Array} chunk */
  add(chunk) {
    this.#wantsChunk = false;
    this.#isAdding = true;
    try {
      this.#controller.enqueue(chunk);
    } catch {
      // The reader is gone.
    }
    this.#isAdding = false;
    return this.#wantsChunk;
  }

  close() {
    try {
      this.#controller.close();
    } catch {
      // The reader is gone.
    }
  }

  /** The reader sees that the stream broke off. */
  abort() {
    this.#controller.error(new Error('the stream was cut off'));
  }

  /** Calls the wasm. An error in it must not become an error of the stream, because the runtime must see the trap. */
  #report(isCancelled) {
    // The instance trapped and was replaced, so nothing comes any more.
    if (this.#callback !== currentCallback) return;
    try {
      this.#callback(this.#key, isCancelled);
    } catch (error) {
      const trap =
        error instanceof WebAssembly.RuntimeError ? error : new WebAssembly.RuntimeError(`${error}`);
      queueMicrotask(() => {
        throw trap;
      });
    }
  }
}
