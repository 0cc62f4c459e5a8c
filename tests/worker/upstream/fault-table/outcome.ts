// The possible results of a fault.

/** The final outcome for the caller, for Wiro and for a reader of the video. */
export interface Outcome {
  /** The submit's response: its status, and the code of a problem. */
  submit: string;
  /** The number of jobs that Wiro created; each costs money. */
  tasks: number;
  /** The number of Runs that Wiro received; `many` is more than three. */
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

/** Wiro certainly created no job: Run is repeated. */
export const TAKEN_LATER = outcome('202', 1, 2, 'completed');
export const NEVER_TAKEN = outcome('202', 0, 'many', 'failed: upstream_unavailable');
export const ACCOUNT_REFUSED = outcome('503 upstream_unavailable', 0, 1, 'failed: upstream_unavailable');
export const PARAMETERS_REFUSED = outcome('422 invalid_parameter', 0, 1, 'failed: upstream_rejected');

/** Wiro may have created a job: Run is never repeated. */
export const NEVER_FOUND = outcome('202', 0, 1, 'failed: submission_unknown');
/** The task waits two minutes for Run, the submit at most 25 s. */
export const NOT_ANSWERED_YET = outcome('202', 0, 1, 'queued');
export const MADE_NOT_ANSWERED_YET = outcome('202', 1, 1, 'queued');
