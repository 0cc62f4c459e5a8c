// Everything that SIGNING_KEY signs, each use with a subkey of its own.
import { decode, encode } from './base32.js';
import { hmac, importHmacKey } from './hmac.js';

const PREFIX = 'vid_';
const RANDOM_BYTES = 16;
const ID_BYTES = 25;
const PROOF_BYTES = 20;
const GRANT_BYTES = 20;
const GRANT_TIME_BYTES = 4;
const GRANT_SECONDS = 6 * 3600;

const utf8 = new TextEncoder();

export class SigningKeys {
  /** @param {string} signingKey */
  static async derive(signingKey) {
    const master = await importHmacKey(utf8.encode(signingKey));
    const subkey = async (purpose) =>
      importHmacKey(await hmac(master, utf8.encode(`hailuo-worker/v1/${purpose}`)));
    const keys = new SigningKeys();
    keys.videoId = await subkey('video-id');
    keys.callback = await subkey('wiro-callback');
    keys.idempotency = await subkey('idempotency-key');
    keys.playback = await subkey('playback-grant');
    keys.events = await subkey('events-grant');
    return keys;
  }

  /** An id of random bits and the proof that it was made here for this owner. */
  async mint(owner, random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))) {
    const id = new Uint8Array(ID_BYTES);
    id.set(random);
    const mac = await hmac(this.videoId, joined(random, owner));
    id.set(mac.subarray(0, ID_BYTES - RANDOM_BYTES), RANDOM_BYTES);
    return PREFIX + encode(id);
  }

  /** The id that belongs to an Idempotency-Key. */
  async mintFor(owner, idempotencyKey) {
    const mac = await hmac(this.idempotency, utf8.encode(`${owner}\0${idempotencyKey}`));
    return this.mint(owner, mac.subarray(0, RANDOM_BYTES));
  }

  /** Whether the id was made here for this owner. */
  async isOwn(owner, text) {
    if (!text.startsWith(PREFIX)) return false;
    const id = decode(text.slice(PREFIX.length), ID_BYTES);
    if (!id) return false;
    const mac = await hmac(this.videoId, joined(id.subarray(0, RANDOM_BYTES), owner));
    return crypto.subtle.timingSafeEqual(id.subarray(RANDOM_BYTES), mac.subarray(0, ID_BYTES - RANDOM_BYTES));
  }

  async callbackProof(id) {
    return encode((await hmac(this.callback, utf8.encode(id))).subarray(0, PROOF_BYTES));
  }

  async isCallbackProof(id, text) {
    const proof = decode(text, PROOF_BYTES);
    if (!proof) return false;
    const mac = await hmac(this.callback, utf8.encode(id));
    return crypto.subtle.timingSafeEqual(proof, mac.subarray(0, PROOF_BYTES));
  }

  /** Lets whoever has them play and watch an owner's video for a while; undefined where nobody owns it. */
  async grants(owner, id, createdAt) {
    if (owner === '') return undefined;
    const [content, events] = await Promise.all([
      this.#grant(this.playback, id, createdAt),
      this.#grant(this.events, id, createdAt),
    ]);
    return { content, events };
  }

  async #grant(key, id, createdAt, now = Date.now()) {
    const periods = Math.floor(Math.max(now / 1000 - createdAt, 0) / GRANT_SECONDS) + 2;
    const grant = new Uint8Array(GRANT_BYTES);
    new DataView(grant.buffer).setUint32(0, createdAt + periods * GRANT_SECONDS);
    const mac = await hmac(key, joined(grant.subarray(0, GRANT_TIME_BYTES), id));
    grant.set(mac.subarray(0, GRANT_BYTES - GRANT_TIME_BYTES), GRANT_TIME_BYTES);
    return encode(grant);
  }

  async isGrant(id, text, now = Date.now()) {
    const grant = decode(text, GRANT_BYTES);
    if (!grant) return false;
    const mac = await hmac(this.playback, joined(grant.subarray(0, GRANT_TIME_BYTES), id));
    const proof = mac.subarray(0, GRANT_BYTES - GRANT_TIME_BYTES);
    const isOurs = crypto.subtle.timingSafeEqual(grant.subarray(GRANT_TIME_BYTES), proof);
    return isOurs && now / 1000 < new DataView(grant.buffer).getUint32(0);
  }
}

function joined(bytes, text) {
  if (text === '') return bytes;
  const encoded = utf8.encode(text);
  const both = new Uint8Array(bytes.length + encoded.length);
  both.set(bytes);
  both.set(encoded, bytes.length);
  return both;
}
