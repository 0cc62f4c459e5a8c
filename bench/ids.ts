// Creates many ids like the Worker, but outside of it.
import { createHmac, randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const RANDOM_BYTES = 16;
const PROOF_BYTES = 9;

export function minter(signingKey: string, owner: string): () => string {
  const subkey = createHmac('sha256', signingKey).update('hailuo-worker/v1/video-id').digest();
  return () => {
    const random = randomBytes(RANDOM_BYTES);
    const proof = createHmac('sha256', subkey).update(random).update(owner).digest().subarray(0, PROOF_BYTES);
    return `vid_${base32(Buffer.concat([random, proof]))}`;
  };
}

/** Of bytes that fill their characters exactly. */
function base32(bytes: Buffer): string {
  const bits = BigInt(`0x${bytes.toString('hex')}`)
    .toString(2)
    .padStart(bytes.length * 8, '0');
  return (
    bits
      .match(/.{5}/g)
      ?.map((digit) => ALPHABET[Number.parseInt(digit, 2)])
      .join('') ?? ''
  );
}
