// The simulated day: when videos are submitted and by whom, how long they take, what goes wrong, and the limits.
import { PRICE, type Random } from '../dispatcher/videos.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A day of the budget begins. */
export const START = Date.UTC(2027, 0, 4);

export const CLIENTS = 200;

/** The hours of this day in which five times as many videos are submitted as in a mean hour. */
const PEAK_HOURS = [10, 20];
const PEAK = 5;

/** Videos are kept half a day, so that removals reach their full rate while videos are still submitted. */
export const RETENTION = DAY / 2;

export const SWEEP_INTERVAL = 5 * MINUTE;
export const OPERATOR_INTERVAL = 5 * MINUTE;

/** The defaults of the Worker's settings and constants. */
export const TASK_DEADLINE = 7200 * SECOND;
export const QUEUE_CHECK_INTERVAL = MINUTE;
/** Far back in the queue. */
export const MAX_QUEUE_CHECK_INTERVAL = 10 * MINUTE;
export const RECONCILE_INTERVAL = 10 * MINUTE;
export const MAX_SWEEP_BATCHES = 100;

/** From the submit to the question for a slot, and from the granted slot to that of its object. */
export const STEP_DELAY = 20;
/** Wiro's answer to Run. */
export const RUN_DELAY = 500;
/** From a cancel to its confirmation by a check. */
export const STOP_DELAY = 2 * SECOND;
export const COPY_DELAY = 5 * SECOND;
export const POLL_INTERVAL = 30 * SECOND;

/** The share of videos to which this happens, or of messages and alarms. */
export const SHARES = {
  /** Reserved, but its object never accepts it. */
  neverAccepted: 0.0002,
  refused: 0.005,
  failed: 0.02,
  cancelled: 0.01,
  deleted: 0.02,
  unknownCost: 0.005,
  lostAlarm: 0.0005,
  /** Its answer was lost, so it is sent again. */
  repeated: 0.0005,
  /** Its client reads the status of the queued video now and then. */
  polled: 0.3,
  /** Its client reads its list after the submit. */
  listed: 0.1,
};

/** The times from submit to cancel or delete. */
export const CANCEL_WITHIN = 4 * MINUTE;
export const DELETE_WITHIN = 6 * HOUR;

const MEDIAN_DURATION = 120 * SECOND;
const SPREAD = 0.5;
const LONG_SHARE = 0.01;
const LONG_FACTOR = 5;
const MAX_DURATION = HOUR;
/** For the limit of active jobs: the mean of the distribution. */
const MEAN_DURATION = MEDIAN_DURATION * Math.exp(SPREAD ** 2 / 2) * (1 + LONG_SHARE * (LONG_FACTOR - 1));

export function generationTime(random: Random): number {
  const usual = MEDIAN_DURATION * Math.exp(SPREAD * random.normal());
  return Math.round(Math.min(MAX_DURATION, random.chance(LONG_SHARE) ? LONG_FACTOR * usual : usual));
}

export interface Limits {
  maxActive: number;
  /** Micro-dollars. */
  budget: number;
}

/** The hours of the day that are simulated, from one up to but without another; and the videos of the whole day. */
export interface Span {
  videos: number;
  from: number;
  to: number;
}

/** A little less than the peaks need, so that a queue builds up; a little less than all videos cost. */
export function limitsFor(span: Span): Limits {
  const perSecond = (span.videos * PEAK) / (DAY / SECOND);
  const needed = (perSecond * (MEAN_DURATION + RUN_DELAY)) / SECOND;
  return { maxActive: Math.ceil(0.97 * needed), budget: Math.round(0.965 * submittedIn(span)) * PRICE };
}

/** Every so many clients have a limit of their own: a little more than they need in the peaks. */
const LIMITED_EVERY = 50;
const LIMITED_FACTOR = 1.5;

/** The limit of active jobs of a client, if it has one. */
export function clientLimit(index: number, { maxActive }: Limits): number | null {
  if (index % LIMITED_EVERY !== LIMITED_EVERY - 1) return null;
  return 2 + Math.ceil(LIMITED_FACTOR * maxActive * shareOf(index));
}

const TOTAL = Array.from({ length: CLIENTS }, (_, index) => 1 / (index + 1)).reduce(
  (sum, part) => sum + part,
);

/** The first client submits most. */
const shareOf = (index: number) => 1 / (index + 1) / TOTAL;

export function anyClient(random: Random): number {
  let rest = random.next();
  for (let index = 0; index < CLIENTS; index++) {
    rest -= shareOf(index);
    if (rest < 0) return index;
  }
  return CLIENTS - 1;
}

/** How many videos are submitted in all. */
export const submittedIn = (span: Span) =>
  submittedUntil(span.to * 60, span.videos) - submittedUntil(span.from * 60, span.videos);

/** How many videos were submitted until this minute of the whole day. */
export function submittedUntil(minute: number, videos: number): number {
  const weights = hourWeights();
  const whole = Math.floor(minute / 60);
  const before = weights.slice(0, whole).reduce((sum, weight) => sum + weight, 0);
  const part = ((weights[whole] ?? 0) * (minute % 60)) / 60;
  return Math.round((videos * (before + part)) / 24);
}

/** Of each hour, in mean hours: outside of the peaks a wave with few videos at night. */
function hourWeights(): number[] {
  const rest = 24 - PEAK * PEAK_HOURS.length;
  const waves = Array.from({ length: 24 }, (_, hour) =>
    PEAK_HOURS.includes(hour) ? 0 : 1 - 0.6 * Math.cos((2 * Math.PI * (hour - 2)) / 24),
  );
  const sum = waves.reduce((total, wave) => total + wave);
  return waves.map((wave, hour) => (PEAK_HOURS.includes(hour) ? PEAK : (wave * rest) / sum));
}
