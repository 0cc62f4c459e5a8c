// Images with correct first bytes and random content.
import { randomBytes } from 'node:crypto';
import type { Body } from './bodies.ts';

export const MIB = 1024 * 1024;
export const MAX_IMAGE_BYTES = 20 * MIB;

export type PictureType = 'image/jpeg' | 'image/png' | 'image/webp';

const FIRST_BYTES: Record<PictureType, Body> = {
  'image/jpeg': Buffer.from('ffd8ffe000104a4649460001', 'hex'),
  'image/png': Buffer.from('89504e470d0a1a0a0000000d', 'hex'),
  'image/webp': Buffer.from('524946460000000057454250', 'hex'),
};

export const PICTURE_TYPES = Object.keys(FIRST_BYTES) as PictureType[];

/** Noise is cheap to make once, and dear to make for every picture. */
const noise = randomBytes(MAX_IMAGE_BYTES + MIB);

/** At least 12 bytes; `content` in place of the noise. */
export function picture(type: PictureType, bytes: number, content: Uint8Array = noise): Body {
  const first = FIRST_BYTES[type];
  return Buffer.concat([first, content.subarray(0, bytes - first.length)], bytes);
}
