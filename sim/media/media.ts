// The bytes the CDN serves: the sample video, uploads, and generated outputs of any size.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { generatedHead } from '../boxes.ts';

export interface Content {
  readonly size: number;
  readonly contentType: string;
  /** The bytes from `start` up to, not including, `end`. */
  read: (start: number, end: number) => Iterable<Uint8Array>;
}

const BLOCK_BYTES = 64 * 1024;

/** The SHA-256 of a content, in hex. */
export async function digest(content: Content): Promise<string> {
  const hash = createHash('sha256');
  let blocks = 0;
  for (const chunk of content.read(0, content.size)) {
    hash.update(chunk);
    if (++blocks % 64 === 0) await setImmediate(); // a large one must not stop the server
  }
  return hash.digest('hex');
}

/** The SHA-256 of a generated output of so many bytes, in hex. */
export function generatedDigest(bytes: number): Promise<string> {
  return digest(generatedContent(bytes));
}

export function bufferContent(bytes: Uint8Array, contentType: string): Content {
  return {
    size: bytes.length,
    contentType,
    *read(start, end) {
      for (let at = start; at < end; at += BLOCK_BYTES)
        yield bytes.subarray(at, Math.min(at + BLOCK_BYTES, end));
    },
  };
}

export const sampleContent: Content = bufferContent(
  readFileSync(new URL('sample.mp4', import.meta.url)),
  'video/mp4',
);

/** One grey pixel. */
export const previewContent: Content = bufferContent(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
    'base64',
  ),
  'image/png',
);

/** An MP4 by its boxes: `ftyp`, `moov`, then one `mdat` of noise in which no two blocks are alike. */
export function generatedContent(size: number): Content {
  return {
    size,
    contentType: 'video/mp4',
    *read(start, end) {
      for (let at = start; at < end; ) {
        const index = Math.floor(at / BLOCK_BYTES);
        const from = at - index * BLOCK_BYTES;
        const to = Math.min(BLOCK_BYTES, end - index * BLOCK_BYTES);
        yield generatedBlock(index, size).subarray(from, to);
        at += to - from;
      }
    },
  };
}

function generatedBlock(index: number, size: number): Buffer {
  const block = Buffer.from(NOISE);
  if (index === 0) generatedHead(size).copy(block);
  else block.writeUInt32BE(index);
  return block;
}

/** Incompressible and always the same: a xorshift generator from a fixed seed. */
const NOISE = (() => {
  const words = new Uint32Array(BLOCK_BYTES / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer);
})();
