// The possible results of a fault.

/** What the caller, Wiro and the video's reader have seen in the end. */
export interface Outcome {
  /** What the submit was told: the status, and the code of a problem. */
  submit: string;
  /** The jobs that Wiro made, each of which costs money. */
  tasks: number;
  /** The Runs that Wiro was sent; `many` is more than three. */
  runs: number | 'many';
  /** How the video ended, and the code of a failure. */
  video: string;
}

function outcome(
  submit: Outcome['submit'],
  tasks: Outcome['tasks'],
  runs: Outcome['runs'],
  video: Outcome['video'],
): Outcome {
  return { submit, tasks, runs, video };
}

export const COMPLETED = outcome('202', 1, 1, 'completed');
export const CANCELLED = outcome('202', 1, 1, 'cancelled');
export const GENERATION_FAILED = outcome('202', 1, 1, 'failed: generation_failed');
export const TIMED_OUT = outcome('202', 1, 1, 'failed: upstream_timeout');
export const NOT_STORED = outcome('202', 1, 1, 'failed: storage_failed');

/** Not started for certain: Run is sent again. */
export const TAKEN_LATER = outcome('202', 1, 2, 'completed');
export const NEVER_TAKEN = outcome('202', 0, 'many', 'failed: upstream_unavailable');
export const ACCOUNT_REFUSED = outcome('503 upstream_unavailable', 0, 1, 'failed: upstream_unavailable');
export const PARAMETERS_REFUSED = outcome('422 invalid_parameter', 0, 1, 'failed: upstream_rejected');

/** It may have started: Run is never sent again. */
export const NEVER_FOUND = outcome('202', 0, 1, 'failed: submission_unknown');
/** Run is waited for two minutes, the submit no more than 25 s. */
export const NOT_ANSWERED_YET = outcome('202', 0, 1, 'queued');
export const MADE_NOT_ANSWERED_YET = outcome('202', 1, 1, 'queued');
