// Files of many kinds, recorded by ffmpeg or cut from such: which of them can be played, and what ffprobe says of those.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { box, words } from '../../../sim/index.ts';

const run = promisify(execFile);

export const hasFfmpeg: boolean = ['ffmpeg', 'ffprobe'].every((name) => existsSync(`/usr/bin/${name}`));

export interface Figures {
  width: number;
  height: number;
  duration_seconds: number;
  fps: number;
}

export interface Recordings {
  /** Complete files, with what ffprobe says of them. */
  complete: Record<string, { bytes: Buffer; figures: Figures }>;
  /** Other files, with what the log says of them. */
  incomplete: Record<string, { bytes: Buffer; reason: string }>;
}

const PICTURE = ['-f', 'lavfi', '-i'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const ORDINARY = [...PICTURE, 'color=s=1366x768:r=25:d=2', ...H264];
const SMALL_PICTURE = [...PICTURE, 'testsrc=s=320x180:r=25:d=2'];
const SMALL = [...SMALL_PICTURE, ...H264];
const SOUND = ['-f', 'lavfi', '-i', 'sine=d=2'];
const AAC = ['-c:a', 'aac'];
const FRAGMENTED = ['-movflags', 'frag_keyframe+empty_moov'];

/** The options of ffmpeg for each. */
const RECORDED: Record<string, string[]> = {
  'moov first': [...ORDINARY, '-movflags', '+faststart'],
  'moov last': ORDINARY,
  fragmented: [...SMALL, '-g', '10', ...FRAGMENTED],
  'fragmented, the first fragment in moov': [...SMALL, '-g', '10', '-movflags', 'frag_keyframe'],
  'fragmented, with an index': [...SMALL, '-g', '10', '-movflags', '+dash+global_sidx'],
  'a fragment for each frame': [...SMALL, '-movflags', 'frag_every_frame+empty_moov'],
  'with sound': [...SMALL_PICTURE, ...SOUND, ...H264, ...AAC],
  'fragmented, with sound': [...SMALL_PICTURE, ...SOUND, ...H264, ...AAC, '-g', '10', ...FRAGMENTED],
  rotated: [...SMALL, '-metadata:s:v', 'rotate=90'],
  upright: [...PICTURE, 'color=s=768x1366:r=25:d=1', ...H264],
  '29.97 frames a second': [...PICTURE, 'testsrc=s=320x180:r=30000/1001:d=5', ...H264],
  '23.976 frames a second': [...PICTURE, 'testsrc=s=320x180:r=24000/1001:d=6', ...H264],
  'frames of different lengths': [...SMALL, '-vf', "select='not(mod(n,3))+lt(n,9)'", '-vsync', 'vfr'],
  'moov of more than 64 KiB': [...PICTURE, 'color=s=16x16:r=1000:d=20', ...H264],
};

/** Records them all; takes some seconds. */
export async function record(): Promise<Recordings> {
  const folder = await mkdtemp(join(tmpdir(), 'recordings-'));
  try {
    const recorded: Record<string, Buffer> = {};
    for (const [name, options] of Object.entries(RECORDED)) {
      recorded[name] = await ffmpeg(folder, 'recorded.mp4', options);
    }
    const first = recorded['moov first']!;
    const last = recorded['moov last']!;
    Object.assign(recorded, {
      'mdat with a 64-bit size': withLargeMdat(last),
      'mdat that reaches to the end': withEndlessMdat(first),
    });
    const complete: Recordings['complete'] = {};
    for (const [name, bytes] of Object.entries(recorded)) {
      complete[name] = { bytes, figures: await figures(folder, bytes) };
    }
    const sound = await ffmpeg(folder, 'sound.mp4', [...SOUND, ...AAC]);
    const webm = await ffmpeg(folder, 'film.webm', [...SMALL_PICTURE, '-c:v', 'libvpx', '-t', '1']);
    const cut = (bytes: Buffer, at: number) => bytes.subarray(0, at);
    const incomplete: Recordings['incomplete'] = {
      'cut between boxes, moov first': { bytes: cut(first, boxAt(first, 'mdat')), reason: 'samples at byte' },
      'cut between boxes, moov last': { bytes: cut(last, boxAt(last, 'moov')), reason: 'no moov box' },
      'cut between moof and mdat': {
        bytes: cut(recorded.fragmented!, recorded.fragmented!.lastIndexOf('mdat') - 4),
        reason: 'none after its last moof box',
      },
      'cut in mdat': { bytes: cut(first, first.length - 100), reason: 'is longer than what contains it' },
      'cut in moov': { bytes: cut(last, last.length - 100), reason: 'is longer than what contains it' },
      'cut in the header of a box': {
        bytes: cut(last, boxAt(last, 'moov') + 5),
        reason: 'no box starts at byte',
      },
      'moov removed': {
        bytes: Buffer.concat([cut(first, boxAt(first, 'moov')), first.subarray(boxAt(first, 'mdat'))]),
        reason: 'no moov box',
      },
      'zeros after its end': {
        bytes: Buffer.concat([first, Buffer.alloc(1000)]),
        reason: 'no box starts at',
      },
      'a page after its end': {
        bytes: Buffer.concat([first, Buffer.from('<!doctype html><p>Sorry.</p>')]),
        reason: 'is longer than what contains it',
      },
      'sound only': { bytes: sound, reason: 'no video track' },
      'WebM under the name of MP4': { bytes: webm, reason: 'does not start like an MP4 file' },
      'a million empty boxes': {
        bytes: Buffer.concat([cut(first, 32), Buffer.alloc(8_000_000, box('free'))]),
        reason: 'more than 800 reads',
      },
    };
    return { complete, incomplete };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ffmpeg(folder: string, name: string, options: string[]): Promise<Buffer> {
  const file = join(folder, name);
  await run('ffmpeg', ['-v', 'error', '-y', ...options, file]);
  return readFile(file);
}

async function figures(folder: string, bytes: Buffer): Promise<Figures> {
  const file = join(folder, 'probed.mp4');
  await writeFile(file, bytes);
  const entries = 'stream=width,height,avg_frame_rate:format=duration';
  const options = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', file];
  const { streams, format } = JSON.parse((await run('ffprobe', options)).stdout);
  const { width, height, avg_frame_rate } = streams[0];
  const [frames, seconds] = avg_frame_rate.split('/').map(Number);
  return { width, height, duration_seconds: Number(format.duration), fps: frames / seconds };
}

/** Where the first box of this type starts at the top level. */
function boxAt(bytes: Buffer, type: string): number {
  let at = 0;
  while (bytes.toString('latin1', at + 4, at + 8) !== type) at += bytes.readUInt32BE(at);
  return at;
}

/** ffmpeg leaves an empty box of 8 bytes in front of `mdat`, for this. */
function withLargeMdat(bytes: Buffer): Buffer {
  const at = boxAt(bytes, 'free');
  const size = bytes.readUInt32BE(at + 8) + 8;
  const header = Buffer.concat([words(1), Buffer.from('mdat'), words(0, size)]);
  return Buffer.concat([bytes.subarray(0, at), header, bytes.subarray(at + 16)]);
}

function withEndlessMdat(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(0, boxAt(copy, 'mdat'));
  return copy;
}
