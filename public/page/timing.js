// Estimates the remaining time.
import { recall, remember } from './memory.js';

/** @typedef {import('../client.js').Video} Video */

const MAX_KEPT = 5;
/** The minimum rise of the percentage from which a speed is computed. */
const MIN_RISE = 10;

/** @typedef {Record<string, number[]>} Durations  by format, in seconds */

/** @returns {Durations} */
const durations = () => recall('durations', isDurations) ?? {};

/** The durations of recent videos of a format, in seconds. @param {Video} video @returns {number[]} */
const recentDurations = ({ input }) => durations()[`${input.resolution} ${input.duration}`] ?? [];

/** @param {Video} video */
export function rememberDuration(video) {
  const { input, completed_at, started_at } = video;
  if (video.status !== 'completed' || !completed_at || !started_at) return;
  const kept = [completed_at - started_at, ...recentDurations(video)].slice(0, MAX_KEPT);
  remember('durations', { ...durations(), [`${input.resolution} ${input.duration}`]: kept });
}

/** The remaining time of one video: from the model's own percentages, or else from recent videos. */
export class Estimate {
  /** @type {{ progress: number, at: number } | undefined} */
  #first;
  /** @type {{ progress: number, at: number } | undefined} */
  #latest;

  /** @param {Video} video @param {number} at  seconds */
  saw({ progress, progress_source }, at) {
    if (progress_source !== 'upstream') return;
    this.#first ??= { progress, at };
    if (progress !== this.#latest?.progress) this.#latest = { progress, at };
  }

  /** @param {Video} video @param {number} now  seconds @returns {{ seconds: number, by: 'speed' | 'recent videos' } | undefined} */
  remaining(video, now) {
    const [first, latest] = [this.#first, this.#latest];
    if (first && latest && latest.progress - first.progress >= MIN_RISE) {
      const secondsPerPercent = (latest.at - first.at) / (latest.progress - first.progress);
      return {
        seconds: Math.max(0, latest.at + secondsPerPercent * (100 - latest.progress) - now),
        by: 'speed',
      };
    }
    const known = recentDurations(video).toSorted((a, b) => a - b);
    const median = known[Math.floor(known.length / 2)];
    if (median === undefined || !video.started_at || video.queue_position !== null) return undefined;
    const seconds = video.started_at + median - now;
    return seconds > 0 ? { seconds, by: 'recent videos' } : undefined;
  }
}

/** @param {any} value @returns {value is Durations} */
function isDurations(value) {
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.values(value).every((list) => Array.isArray(list) && list.every(Number.isFinite))
  );
}
