// The stages of a video in plain words.

const MEANING: Record<string, string> = {
  waiting: 'not at Wiro yet',
  task_queue: "in Wiro's queue",
  task_accept: 'taken from the queue',
  task_preprocess_start: 'inputs are prepared',
  task_preprocess_end: 'inputs are ready',
  task_assign: 'assigned to a machine',
  task_start: 'the model starts',
  task_output: 'frames are generated',
  task_output_full: 'all frames are there',
  task_end: 'the model has ended',
  task_postprocess_start: 'encoded and uploaded',
  storing: 'copied and checked',
  done: 'stored and verified',
};

export function meaningOf(stage: string): string {
  return MEANING[stage] ?? '';
}
