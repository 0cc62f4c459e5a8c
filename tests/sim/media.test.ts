// The sample video: ffprobe's description, and playback in a browser from the CDN.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { sampleContent, startSim } from '../../sim/index.ts';
import { CHROMIUM, OFFLINE } from '../chromium.ts';
import { run } from './support/client.ts';

const SAMPLE = 'sim/media/sample.mp4';
const hasFfprobe = existsSync('/usr/bin/ffprobe');

test('the sample is small and has its index at the start', () => {
  expect(sampleContent.size).toBeLessThanOrEqual(150_000);
  const bytes = Buffer.concat([...sampleContent.read(0, sampleContent.size)]);
  expect(bytes.indexOf('moov')).toBeGreaterThan(0);
  expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
});

test.skipIf(!hasFfprobe)('the sample is six seconds of H.264 with motion', async () => {
  const entries = 'stream=codec_name,width,height,pix_fmt,nb_frames:format=duration';
  const probe = ['-v', 'error', '-show_entries', entries, '-of', 'json', SAMPLE];
  const { streams, format } = JSON.parse((await promisify(execFile)('ffprobe', probe)).stdout);
  expect(streams).toEqual([
    { codec_name: 'h264', width: 768, height: 432, pix_fmt: 'yuv420p', nb_frames: '144' },
  ]);
  expect(Number(format.duration)).toBe(6);
  const hashes = ['-v', 'error', '-i', SAMPLE, '-vf', 'fps=2', '-f', 'framemd5', '-'];
  const { stdout } = await promisify(execFile)('ffmpeg', hashes);
  const frames = stdout.split('\n').flatMap((line) => line.match(/[0-9a-f]{32}$/) ?? []);
  expect(frames.length).toBeGreaterThanOrEqual(12);
  expect(new Set(frames).size).toBe(frames.length);
});

test.skipIf(!existsSync(CHROMIUM))('the sample plays in Chromium from the CDN', async () => {
  const sim = await startSim({ speed: 2000 });
  await run(sim);
  await sim.tasks[0]!.reached('task_postprocess_end');
  const { url } = sim.tasks[0]!.outputs[0]!;
  const page = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(`<!doctype html><video muted src="${url}"></video>`);
  });
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(page.address() as AddressInfo).port}/`);
    const seen = await tab.evaluate(async () => {
      const video = document.querySelector('video')!;
      video.playbackRate = 4;
      await video.play();
      while (video.currentTime < 1)
        await new Promise((resolve) => video.addEventListener('timeupdate', resolve));
      // A busy machine may not decode as fast as it is played.
      video.pause();
      while (video.readyState < HTMLMediaElement.HAVE_ENOUGH_DATA)
        await new Promise((resolve) => video.addEventListener('canplaythrough', resolve));
      const { readyState, duration, videoWidth, videoHeight } = video;
      return { readyState, duration, videoWidth, videoHeight };
    });
    expect(seen).toEqual({ readyState: 4, duration: 6, videoWidth: 768, videoHeight: 432 });
  } finally {
    await browser.close();
    page.close();
    await sim.close();
  }
});
