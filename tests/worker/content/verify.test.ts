// The boxes of the copied file decide whether it is a video: complete files of every kind are completed with the figures
// that ffprobe says, and others are fetched again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutSize } from '../support/output-rows.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { sha256, storedVideo } from '../support/stored.ts';
import { callsAbout } from '../support/upstream-calls.ts';
import { hasFfmpeg, type Recordings, record } from './recordings.ts';

/** Whoever does not have ffmpeg sees that these were not run. */
const testWithFfmpeg = test.skipIf(!hasFfmpeg);

const rows: Record<string, object> = {};
let recordings: Recordings;
let service: Service;
beforeAll(async () => {
  if (hasFfmpeg) recordings = await record();
  service = await startService({ sim: { speed: 600 } });
}, 240_000);
afterAll(async () => {
  console.table(rows);
  await service.close();
});

async function fetches(prompt: string): Promise<number> {
  return callsAbout(service.sim, await service.sim.waitForTask(prompt), '/cdn/').length;
}

testWithFfmpeg(
  'a complete file of any kind is completed with its figures',
  { timeout: 120_000 },
  async () => {
    const kinds = Object.entries(recordings.complete);
    expect(kinds.length).toBeGreaterThanOrEqual(16);
    const check = async ([kind, { bytes, figures }]: (typeof kinds)[number]) => {
      const prompt = `A recording: ${kind}.`;
      service.sim.script(prompt, { output: { file: bytes } });
      const { id, size } = await service.accepted({ prompt });
      expect(size).toBe('1366x768');
      const video = await service.ended(id);
      const { width, height, duration_seconds, fps } = video.output ?? {};
      rows[kind] = {
        ffprobe: `${figures.width}x${figures.height} ${figures.duration_seconds} s ${figures.fps.toFixed(6)}`,
        Worker: `${video.status} ${width}x${height} ${duration_seconds} s ${fps}`,
      };
      expect(video, kind).toMatchObject({
        status: 'completed',
        size: `${figures.width}x${figures.height}`,
        output: { width: figures.width, height: figures.height, sha256: sha256(bytes) },
      });
      expect(Math.abs((duration_seconds ?? 0) - figures.duration_seconds), kind).toBeLessThanOrEqual(0.001);
      expect(Math.abs((fps ?? 0) - figures.fps), kind).toBeLessThanOrEqual(0.001);
      expect(await fetches(prompt), kind).toBe(1);
    };
    await Promise.all(kinds.map(check));
  },
);

testWithFfmpeg('any other file is fetched again', { timeout: 120_000 }, async () => {
  const kinds = Object.entries(recordings.incomplete);
  expect(kinds.length).toBeGreaterThanOrEqual(12);
  const check = async ([kind, { bytes, reason }]: (typeof kinds)[number]) => {
    const prompt = `A recording: ${kind}.`;
    service.sim.script(prompt, { cdn: [{ kind: 'file', bytes }], task: withoutSize });
    const { id } = await service.accepted({ prompt });
    const video = await service.ended(id);
    const line = service
      .logs()
      .find((text) => text.includes(id) && text.includes('copying the video failed'));
    rows[kind] = { Worker: `fetched again: ${JSON.parse(line ?? '{}').error}` };
    expect(line, kind).toContain(reason);
    expect(video, kind).toMatchObject({ status: 'completed', size: '768x432', output: { fps: 24 } });
    expect(await storedVideo(service, id), kind).toEqual(storedSample);
    expect(await fetches(prompt), kind).toBe(2);
  };
  await Promise.all(kinds.map(check));
});

describe('a file that stays incomplete', () => {
  let hasty: Service;
  beforeAll(async () => {
    hasty = await startService({ sim: { speed: 600 }, vars: { COPY_DEADLINE_SECONDS: '2' } });
  });
  afterAll(() => hasty.close());

  test('fails at the deadline, with nothing stored', async () => {
    const file = Buffer.from('\0\0\0\u0020ftypisom\0\0\u0002\0isomiso2avc1mp41\0\0\0\u0008mdat', 'latin1');
    hasty.sim.script('cut short', { output: { file } });
    const { id } = await hasty.accepted({ prompt: 'a boat cut short' });
    const video = await hasty.ended(id);
    expect(video).toMatchObject({ status: 'failed', output: null, error: { code: 'storage_failed' } });
    expect(video.size).toBe('1366x768');
    expect(await storedVideo(hasty, id)).toBeUndefined();
    const task = await hasty.sim.waitForTask('cut short');
    expect(callsAbout(hasty.sim, task, '/cdn/').length).toBeGreaterThan(1);
  });
});
