// Generates a small image: a PNG of an evening sky, from dark blue to orange.
import { crc32, deflateSync } from 'node:zlib';

type Color = [red: number, green: number, blue: number];

const SKY: Color = [24, 32, 88];
const HORIZON: Color = [255, 150, 70];

export function gradientPng(width: number, height: number): Buffer<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits for each of red, green and blue; nothing optional
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels(width, height))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Each row begins with its filter, 0 for none. */
function pixels(width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) => {
    const down = y / (height - 1);
    const color = SKY.map((from, i) => Math.round(from + (HORIZON[i]! - from) * down));
    return [0, ...Array.from({ length: width }, () => color).flat()];
  });
  return Buffer.from(rows.flat());
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
