// Uploads a stream of unknown length to R2, which needs lengths: a short one is buffered and stored at once, a longer
// one is a multipart upload.
import { joined, within } from '../streams.js';

const PART_BYTES = 5 * 1024 * 1024;
const R2_MS = 30_000;

export class Upload {
  #bucket;
  #key;
  #options;
  #held = [];
  #heldBytes = 0;
  #multipart;
  #parts = [];

  constructor(bucket, key, contentType) {
    this.#bucket = bucket;
    this.#key = key;
    this.#options = { httpMetadata: { contentType } };
  }

  /** @param {Uint8Array} chunk */
  async write(chunk) {
    let rest = chunk;
    while (this.#heldBytes + rest.length > PART_BYTES) {
      const room = PART_BYTES - this.#heldBytes;
      this.#hold(rest.subarray(0, room));
      rest = rest.subarray(room);
      await within(R2_MS, this.#sendPart());
    }
    this.#hold(rest);
  }

  /** Until this has succeeded, nothing is under the key. */
  async finish() {
    if (!this.#multipart) return within(R2_MS, this.#bucket.put(this.#key, this.#takeHeld(), this.#options));
    await within(R2_MS, this.#sendPart());
    return within(R2_MS, this.#multipart.complete(this.#parts));
  }

  async abort() {
    await this.#multipart?.abort().catch(() => {});
  }

  #hold(chunk) {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
  }

  async #sendPart() {
    this.#multipart ??= await this.#bucket.createMultipartUpload(this.#key, this.#options);
    this.#parts.push(await this.#multipart.uploadPart(this.#parts.length + 1, this.#takeHeld()));
  }

  #takeHeld() {
    const whole = joined(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }
}
