// Checks that the file of a finished job is the video in Task/Detail.
import { setTimeout as pause } from 'node:timers/promises';
import { reasonOf } from '../shared/reason.ts';
import { askCrate, type TaskMeaning } from './crate.ts';
import type { Report } from './report.ts';

/** A new output may be 404 for minutes. */
const TRIES = 30;
const MS_BETWEEN_TRIES = 5_000;

export async function checkVideo({ url = '', size }: TaskMeaning, report: Report): Promise<void> {
  let tried = 1;
  let response: Response | undefined;
  try {
    for (response = await fetch(url); response.status === 404 && tried < TRIES; tried++) {
      await response.body?.cancel();
      await pause(MS_BETWEEN_TRIES);
      response = await fetch(url);
    }
    if (!response.ok) return report.fails(`the video cannot be fetched: HTTP ${response.status}`);
    const video = new Uint8Array(await response.arrayBuffer());
    const isMp4 = await askCrate<boolean>({ do: 'is_mp4', start: [...video.subarray(0, 12)] });
    report.say(`Video: ${video.length} bytes from ${new URL(url).host}, ${isMp4 ? 'an MP4' : 'not an MP4'}`);
    if (tried > 1) report.differs(`the video was there at try ${tried}`);
    if (!isMp4) report.fails('the video is not an MP4');
    if (size == null) report.differs('Task/Detail tells no size of the video');
    else if (size !== video.length)
      report.fails(`the video has ${video.length} bytes, and ${size} were told`);
  } catch (error) {
    report.fails(`the video cannot be fetched: ${reasonOf(error)}`);
  }
}
