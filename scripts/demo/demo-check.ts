// Compares the downloaded video with the Video object, the response headers and ffprobe.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { bytes } from '../shared/terminal.ts';
import type { Video } from '../shared/video-client.ts';

const SECONDS = 6;

/** Downloads the content and returns it with the results, if it is what the Video describes. */
export async function download(video: Video): Promise<{ content: Buffer; findings: string[][] }> {
  const response = await fetch(video.urls.content);
  if (response.status !== 200) throw new Error(`the content answered ${response.status}`);
  const content = Buffer.from(await response.arrayBuffer());
  const hash = createHash('sha256').update(content);
  const sha256 = hash.copy().digest('hex');
  expect('size', content.length, video.output?.size);
  expect('sha-256', sha256, video.output?.sha256);
  expect('Repr-Digest', response.headers.get('repr-digest'), `sha-256=:${hash.digest('base64')}:`);
  expect('content type', response.headers.get('content-type'), video.output?.content_type);
  return {
    content,
    findings: [
      ['size', bytes(content.length), 'as the Video says'],
      ['sha-256', `${sha256.slice(0, 16)}…`, 'as the Video and the header Repr-Digest say'],
    ],
  };
}

/** A player that seeks requests byte ranges. */
export async function seek(video: Video, content: Buffer): Promise<string[]> {
  const first = Math.floor(content.length / 2);
  const last = content.length - 1;
  const response = await fetch(video.urls.content, { headers: { range: `bytes=${first}-${last}` } });
  expect('status of a range', response.status, 206);
  expect('Content-Range', response.headers.get('content-range'), `bytes ${first}-${last}/${content.length}`);
  const isSame = content.subarray(first).equals(Buffer.from(await response.arrayBuffer()));
  expect('bytes of a range', isSame, true);
  return ['second half', '206 Partial Content', 'the same bytes, so a player can seek'];
}

/** ffprobe's description of the file, if ffprobe is installed. */
export function probe(path: string): string[] {
  const entries = 'stream=codec_name,width,height:format=duration';
  const args = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', path];
  const { stdout, stderr, error, status } = spawnSync('ffprobe', args, { encoding: 'utf8' });
  if (error && 'code' in error && error.code === 'ENOENT')
    return ['ffprobe', 'not installed', 'so not asked'];
  if (error || status !== 0)
    throw new Error(`ffprobe cannot read ${path}: ${error?.message ?? stderr.trim()}`);
  const { streams, format }: Probe = JSON.parse(stdout);
  const duration = Number(format.duration);
  expect('codec', streams[0]?.codec_name, 'h264');
  expect('duration', Math.round(duration * 10) / 10, SECONDS);
  return [
    'ffprobe',
    `H.264, ${streams[0]?.width} × ${streams[0]?.height}`,
    `${duration.toFixed(1)} seconds, as asked for`,
  ];
}

interface Probe {
  streams: { codec_name: string; width: number; height: number }[];
  format: { duration: string };
}

function expect(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`wrong ${what}: ${found}, expected ${expected}`);
}
