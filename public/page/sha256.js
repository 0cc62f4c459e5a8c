// A synchronous SHA-256, which also works without https, where `crypto.subtle` is missing.

/** The first 32 bits of the fractional part of a root of a prime. @param {number} prime @param {number} exponent */
const fraction = (prime, exponent) => ((prime ** exponent % 1) * 2 ** 32) | 0;
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0),
);
const ROUNDS = PRIMES.slice(0, 64).map((prime) => fraction(prime, 1 / 3));
const START = PRIMES.slice(0, 8).map((prime) => fraction(prime, 1 / 2));

/** The hash of a text in UTF-8, in hex. @param {string} text */
export function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = Int32Array.from(START);
  for (let at = 0; at < padded.length; at += 64) addBlock(state, view, at);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** @param {Int32Array} state @param {DataView} view @param {number} at */
function addBlock(state, view, at) {
  const turn = (/** @type {number} */ word, /** @type {number} */ by) => (word >>> by) | (word << (32 - by));
  const words = new Int32Array(64);
  const word = (/** @type {number} */ index) => words[index] ?? 0;
  for (let index = 0; index < 64; index++) {
    const [early, late] = [word(index - 15), word(index - 2)];
    words[index] =
      index < 16
        ? view.getInt32(at + 4 * index)
        : word(index - 16) +
          (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) +
          word(index - 7) +
          (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, last = 0] = state;
  for (let index = 0; index < 64; index++) {
    const one =
      last +
      (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
      ((e & f) ^ (~e & g)) +
      (ROUNDS[index] ?? 0) +
      word(index);
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [last, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, last].forEach((word, index) => {
    state[index] = (state[index] ?? 0) + word;
  });
}
