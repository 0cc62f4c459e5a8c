// Tells whether a SIGNING_KEY is one that a deployed Worker accepts: a callback with a proof of that key is answered 200,
// any other one 404. The id is made up, so the callback concerns no video and nothing is stored.
import { createHmac, randomBytes } from 'node:crypto';

/** As in `src/video/access/keys.rs`. */
const PURPOSE = 'hailuo-worker/v1/wiro-callback';
const PROOF_BYTES = 20;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

const ID_BYTES = 25;

export async function acceptsKey(address: string, signingKey: string): Promise<boolean> {
  const id = `vid_${base32(randomBytes(ID_BYTES))}`;
  const url = `${address}/hooks/wiro/${id}/${proofOf(signingKey, id)}`;
  const response = await fetch(url, { method: 'POST', redirect: 'manual' });
  await response.body?.cancel();
  if (response.status === 200) return true;
  if (response.status === 404) return false;
  throw new Error(`${address} cannot tell which key it has: status ${response.status}`);
}

export function proofOf(signingKey: string, id: string): string {
  const subkey = createHmac('sha256', signingKey).update(PURPOSE).digest();
  return base32(createHmac('sha256', subkey).update(id).digest().subarray(0, PROOF_BYTES));
}

/** Of whole groups of five bytes. */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((group) => BASE32[Number.parseInt(group, 2)]).join('');
}
