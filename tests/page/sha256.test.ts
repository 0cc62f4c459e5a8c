// Compares public/page/sha256.js with Node's SHA-256, for all lengths around its block size.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256 } from '../../public/page/sha256.js';

test('the hash of a text equals that of node:crypto', () => {
  const texts = Array.from({ length: 200 }, (_, length) =>
    'aé€😀\0z'.repeat(40).slice(0, length).toWellFormed(),
  );
  for (const text of [...texts, 'x'.repeat(100_000)]) {
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'));
  }
});
