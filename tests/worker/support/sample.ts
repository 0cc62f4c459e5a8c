// The video that the stand-in returns by default.
import { sampleContent } from '../../../sim/index.ts';
import { sha256 } from './stored.ts';

export const sampleBytes: Buffer = Buffer.concat([...sampleContent.read(0, sampleContent.size)]);

export const sampleSha256 = sha256(sampleBytes);

/** What R2 must hold of it. */
export const storedSample = { size: sampleBytes.length, sha256: sampleSha256, contentType: 'video/mp4' };
