// Random identifiers in Wiro's formats, long enough that one in a log is never a coincidence.
import { randomBytes, randomInt } from 'node:crypto';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Decimal ids of 15 digits that only grow (a list sorts by them), each a random step after the one before. */
export class IdSequence {
  #last = 100_000_000_000_000 + randomInt(2 ** 47);

  next(): string {
    this.#last += 1 + randomInt(1_000_000_000);
    return String(this.#last);
  }
}

/** 30 letters and digits, as in `socketaccesstoken` and `accesskey`. */
export function randomToken(): string {
  return Array.from({ length: 30 }, () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)]).join('');
}

/** 32 hex digits, as in the ids of files and folders. */
export function randomHex(): string {
  return randomBytes(16).toString('hex');
}

/** Eight groups of eight hex digits, as in the paths of Wiro's CDN. */
export function randomFolder(): string {
  return Array.from({ length: 8 }, () => randomBytes(4).toString('hex')).join('-');
}
