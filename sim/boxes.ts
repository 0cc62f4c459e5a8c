// The boxes of an MP4 file (ISO/IEC 14496-12), as far as generated videos have them.

/** What the metadata of every generated video says, whatever its size. */
export const GENERATED = { width: 1366, height: 768, frames: 147, fps: 25 } as const;

/** Ticks of a second. */
const TIMESCALE = 1000;
const TICKS = (GENERATED.frames / GENERATED.fps) * TIMESCALE;

/** A box of this type. */
export function box(type: string, ...content: Uint8Array[]): Buffer {
  const size = 8 + content.reduce((bytes, part) => bytes + part.length, 0);
  return Buffer.concat([words(size), Buffer.from(type, 'latin1'), ...content]);
}

/** 32-bit numbers. */
export function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => {
    bytes.writeUInt32BE(number, 4 * index);
  });
  return bytes;
}

/** Everything in front of the samples of a file of so many bytes: `ftyp`, `moov`, and the header of `mdat`. */
export function generatedHead(fileBytes: number): Buffer {
  const ftyp = box('ftyp', Buffer.from('isom\0\0\u0002\0isomiso2avc1mp41', 'latin1'));
  // The samples start behind a `moov` whose length does not depend on where they start.
  const samplesAt = ftyp.length + moov(0).length + 8;
  const mdat = [words(Math.max(8, fileBytes - samplesAt + 8)), Buffer.from('mdat')];
  return Buffer.concat([ftyp, moov(samplesAt), ...mdat]);
}

/** One video track, all samples of which are in one chunk. Nobody decodes them. */
function moov(samplesAt: number): Buffer {
  const { width, height, frames, fps } = GENERATED;
  const matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
  const mvhd = box(
    'mvhd',
    words(0, 0, 0, TIMESCALE, TICKS, 0x10000, 0x1000000, 0, 0),
    matrix,
    words(0, 0, 0, 0, 0, 0, 2),
  );
  const tkhd = box('tkhd', words(3, 0, 0, 1, 0, TICKS, 0, 0, 0, 0), matrix, words(width << 16, height << 16));
  const mdhd = box('mdhd', words(0, 0, 0, TIMESCALE, TICKS, 0x55c40000));
  const hdlr = box('hdlr', words(0, 0), Buffer.from('vide'), words(0, 0, 0), Buffer.from('video\0'));
  const avc1 = box(
    'avc1',
    words(0, 1, 0, 0, 0, 0, (width << 16) | height, 0x480000, 0x480000, 0),
    Buffer.alloc(38),
  );
  const tables = [
    box('stsd', words(0, 1), avc1),
    box('stts', words(0, 1, frames, TIMESCALE / fps)),
    box('stsc', words(0, 1, 1, frames, 1)),
    box('stsz', words(0, 1, frames)),
    box('stco', words(0, 1, samplesAt)),
  ];
  const minf = box('minf', box('vmhd', words(1, 0, 0)), box('stbl', ...tables));
  return box('moov', mvhd, box('trak', tkhd, box('mdia', mdhd, hdlr, minf)));
}
