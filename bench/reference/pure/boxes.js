// The boxes of the stored MP4 file, read from R2 as ranges: they must reach its end, with a `moov` that has a video track,
// and an `mdat`. Of a fragmented file, which no bench makes, only the boxes are checked.
import { videoKey } from '../videos.js';

const HEADER_BYTES = 16;
const FIRST_BYTES = 48;
const MAX_READ_BYTES = 64 * 1024;
const MAX_READS = 800;
const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'stbl'];

/** Width, height, duration and frame rate as far as the file says them; throws if the file is not complete. */
export async function boxFacts(env, id, size) {
  const file = new Ranges(env, videoKey(id), size);
  const found = {};
  let [at, hasMedia, moov] = [0, false, undefined];
  while (at < size) {
    const box = await file.box(at, size, at === 0 ? FIRST_BYTES : HEADER_BYTES);
    if (at === 0 && box.type !== 'ftyp') throw new Error('it does not start with an ftyp box');
    if (box.type === 'mdat' || box.type === 'moof') hasMedia = box.type === 'mdat';
    if (box.type === 'moov' && !moov) {
      moov = box;
      await readMovie(file, box, found);
    }
    at = box.end;
  }
  if (!moov || !found.video || !hasMedia) throw new Error('it has no moov, video track or mdat');
  return facts(found);
}

async function readMovie(file, container, found, track) {
  for (let at = container.body; container.end - at >= 8; ) {
    const outer = container.outerEnd ?? container.end;
    const wanted = Math.min(outer - at + HEADER_BYTES, MAX_READ_BYTES);
    const box = { ...(await file.box(at, container.end, wanted)), outerEnd: outer };
    const content = async (bytes) => file.view(box.body, Math.min(bytes, box.end - box.body), wanted);
    if (CONTAINERS.includes(box.type)) {
      const inner = box.type === 'trak' ? {} : track;
      await readMovie(file, box, found, inner);
      if (box.type === 'trak' && inner.isVideo) found.video ??= inner;
    } else if (box.type === 'mvhd') found.movie = durationIn(await content(32));
    else if (box.type === 'mdhd') track.media = durationIn(await content(32));
    else if (box.type === 'hdlr' && container.type === 'mdia') {
      track.isVideo = (await content(12)).getUint32(8) === 0x76696465;
    } else if (box.type === 'stsd') {
      const entry = await content(44);
      if (entry.byteLength === 44) track.size = [entry.getUint16(40), entry.getUint16(42)];
    } else if (box.type === 'stts') track.samples = samplesIn(await content(MAX_READ_BYTES));
    at = box.end;
  }
}

/** `mvhd` and `mdhd`: in seconds. */
function durationIn(view) {
  const isLong = view.getUint8(0) === 1;
  const ticks = isLong ? Number(view.getBigUint64(24)) : view.getUint32(16);
  return { ticks, timescale: view.getUint32(isLong ? 20 : 12) };
}

function samplesIn(view) {
  const samples = { count: 0, ticks: 0 };
  for (let entry = 0, at = 8; entry < view.getUint32(4); entry++, at += 8) {
    samples.count += view.getUint32(at);
    samples.ticks += view.getUint32(at) * view.getUint32(at + 4);
  }
  return samples;
}

const rounded = (dividend, divisor) => Math.round((dividend * 1000) / divisor) / 1000;

function facts({ movie, video }) {
  const [width, height] = video.size ?? [];
  const { ticks, timescale } = movie?.ticks ? movie : video.media;
  const { samples, media } = video;
  return {
    width,
    height,
    duration_seconds: rounded(ticks, timescale),
    fps: samples ? rounded(samples.count * media.timescale, samples.ticks) : undefined,
  };
}

/** A file in R2, of which the bytes of the last read are kept. */
class Ranges {
  #start = 0;
  #bytes = new Uint8Array();
  #reads = 0;

  constructor(env, key, size) {
    Object.assign(this, { env, key, size });
  }

  async view(at, length, wanted) {
    const end = at + length;
    if (at < this.#start || end > this.#start + this.#bytes.length) {
      if (++this.#reads > MAX_READS) throw new Error('its boxes need too many reads');
      const range = { offset: at, length: Math.min(Math.max(length, wanted), this.size - at) };
      this.#bytes = await (await this.env.VIDEOS.get(this.key, { range })).bytes();
      this.#start = at;
    }
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at - this.#start, length);
  }

  async box(at, limit, wanted) {
    if (limit - at < 8) throw new Error(`no box starts at byte ${at}`);
    const header = await this.view(at, 8, wanted);
    const type = String.fromCharCode(...[4, 5, 6, 7].map((byte) => header.getUint8(byte)));
    let [size, headerBytes] = [header.getUint32(0), 8];
    if (size === 0) size = limit - at;
    else if (size === 1) {
      size = Number((await this.view(at, HEADER_BYTES, wanted)).getBigUint64(8));
      headerBytes = HEADER_BYTES;
    }
    const isBox = size >= headerBytes && /^[ -~\xa9]{4}$/.test(type);
    if (!isBox || at + size > limit) throw new Error(`no box starts at byte ${at}`);
    return { type, body: at + headerBytes, end: at + size };
  }
}
