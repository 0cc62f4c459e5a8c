// Authentication: `x-signature` = lowercase hex HMAC-SHA256(key = API key, message = API secret + nonce).
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type ApiError, refusalOf } from './exchange.ts';
import { REFUSALS } from './refusals.ts';

export function sign(apiKey: string, apiSecret: string, nonce: string): string {
  return createHmac('sha256', apiKey).update(apiSecret).update(nonce).digest('hex');
}

export class Authenticator {
  readonly #apiKey: string;
  readonly #apiSecret: string | null;
  readonly #nonces = new Set<string>();

  /** `apiSecret` is null for a project without signatures. */
  constructor(apiKey: string, apiSecret: string | null) {
    this.#apiKey = apiKey;
    this.#apiSecret = apiSecret;
  }

  /** Why these headers are refused; undefined if they are valid. A nonce is used up by a valid signature. */
  refusal(headers: IncomingHttpHeaders): ApiError | undefined {
    const [key, nonce, signature] = ['x-api-key', 'x-nonce', 'x-signature'].map((name) => headers[name]);
    const { keyNotFound, signatureRequired, invalidSignature } = REFUSALS;
    if (key === undefined) return refusalOf(keyNotFound, 'x-api-key is missing');
    if (key !== this.#apiKey) return refusalOf(keyNotFound, 'x-api-key is not the key of this project');
    if (this.#apiSecret === null) {
      return nonce === undefined && signature === undefined
        ? undefined
        : // Guess: Wiro may ignore them.
          refusalOf(invalidSignature, 'a project without a secret takes no x-nonce and no x-signature');
    }
    if (typeof nonce !== 'string' || typeof signature !== 'string')
      return refusalOf(signatureRequired, 'x-nonce or x-signature is missing');
    if (!/^\d+$/.test(nonce)) return refusalOf(invalidSignature, 'x-nonce is not an integer');
    if (!isEqual(signature, sign(this.#apiKey, this.#apiSecret, nonce)))
      return refusalOf(invalidSignature, 'x-signature is wrong');
    // Guess: whether Wiro remembers a nonce.
    if (this.#nonces.has(nonce)) return refusalOf(invalidSignature, 'x-nonce was used before');
    this.#nonces.add(nonce);
    return undefined;
  }
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
