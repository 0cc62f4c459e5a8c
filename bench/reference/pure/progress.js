// How far a video is: an estimate from its stage, the time it took so far, and the time it will still take.

/** In order: what is reached for certain, and what is still to come in percent of the usual time, at least and at most. */
const STAGES = {
  waiting: [0, 100, 100],
  task_queue: [1, 75, 100],
  task_accept: [2, 75, 100],
  task_preprocess_start: [3, 75, 100],
  task_preprocess_end: [4, 75, 100],
  task_assign: [5, 75, 100],
  task_start: [6, 20, 95],
  task_output: [8, 20, 95],
  task_output_full: [80, 3, 10],
  task_end: [84, 3, 8],
  task_postprocess_start: [86, 2, 8],
};
const UNKNOWN = [0, 15, 100];
const STORING = 96;
const MAX = 99;
const USUAL_COPY_MS = 5000;

const stageOf = (name) => STAGES[name] ?? UNKNOWN;

/** The record as it is at this moment. */
export function recordAt(task, now) {
  const percent = estimate(task, now);
  const { record } = task;
  if (percent === undefined || (percent <= record.progress && record.progress_source !== 'none'))
    return record;
  return { ...record, progress: Math.max(percent, record.progress), progress_source: 'estimate' };
}

/** Milliseconds that are still to come of a generation. */
export function toCome(task, now) {
  const { since } = task.phase;
  const pace = task.pace ?? supposed(task.record.input);
  const expected = Math.max(0, (task.endsAt ?? since + pace) - now);
  const [, least, most] = stageOf(task.record.stage);
  return Math.min(Math.max(expected, (pace * least) / 100), (pace * most) / 100);
}

function estimate(task, now) {
  const { name, since } = task.phase;
  const elapsed = Math.max(0, now - since);
  if (name === 'storing') {
    return Math.min(MAX, STORING + Math.floor((elapsed * (MAX - STORING)) / (elapsed + USUAL_COPY_MS)));
  }
  if (name !== 'running') return undefined;
  const floor = Math.min(stageOf(task.record.stage)[0], STORING - 1);
  const all = Math.max(1, elapsed + toCome(task, now));
  return Math.min(STORING - 1, floor + Math.floor((elapsed * (STORING - floor)) / all));
}

function supposed({ resolution, duration }) {
  return resolution === '768P' && duration === 6 ? 120_000 : 210_000;
}
