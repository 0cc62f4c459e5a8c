// A task's life as a list of steps: the status, the delay after the previous step, and the socket's message.

export type Message = null | string | Record<string, unknown> | Record<string, unknown>[];

export interface Step {
  /** Simulated seconds after the step before. */
  after: number;
  /** The status taken, or the type of a log line. */
  type: string;
  message: Message;
}

/** Names of the row's time fields by the status that fills them. */
export const TIME_FIELDS: Record<string, string> = {
  task_queue: 'createtime',
  task_accept: 'accepttime',
  task_preprocess_start: 'preprocessstarttime',
  task_preprocess_end: 'preprocessendtime',
  task_assign: 'assigntime',
  task_start: 'starttime',
  task_end: 'endtime',
  task_postprocess_start: 'postprocessstarttime',
  task_postprocess_end: 'postprocessendtime',
  task_cancel: 'canceltime',
};

const LIFE_SECONDS = 60;
const PERCENT_STEPS = 10;
const SECONDS_PER_PERCENT_STEP = 3.5;

/** Lines on stderr are no statuses, and no failures either. */
export function isLogLine(type: string): boolean {
  return type === 'task_error' || type === 'task_error_full';
}

export function isTerminal(status: string): boolean {
  return status === 'task_postprocess_end' || status === 'task_cancel';
}

export function isProgress(message: Message): message is Record<string, unknown> & { percentage: unknown } {
  return typeof message === 'object' && message !== null && 'percentage' in message;
}

/** 60 seconds from the queue to the end, most of them spent generating. */
export function ordinaryLife(): Step[] {
  const output = ['Loading model', 'Prompt accepted', 'Generation finished'];
  const warning = 'Warning: the safety checker took longer than usual';
  return [
    step(0, 'task_queue'),
    step(4, 'task_accept'),
    step(1, 'task_preprocess_start'),
    step(2, 'task_preprocess_end'),
    step(1, 'task_assign'),
    step(4, 'task_start'),
    step(1, 'task_output', output[0]),
    step(0.5, 'task_error', warning),
    step(0.5, 'task_output', output[1]),
    ...Array.from({ length: PERCENT_STEPS }, (_, i) =>
      step(SECONDS_PER_PERCENT_STEP, 'task_output', progress(i + 1)),
    ),
    step(0.5, 'task_output', output[2]),
    step(0.5, 'task_output_full', { raw: output.join('\n') }),
    step(0, 'task_error_full', { raw: warning }),
    step(1, 'task_end'),
    step(1, 'task_postprocess_start'),
    step(8, 'task_postprocess_end'),
  ];
}

/** The same 60 seconds spread evenly over other statuses. */
export function lifeThrough(statuses: string[]): Step[] {
  const pace = LIFE_SECONDS / Math.max(1, statuses.length - 1);
  return statuses.map((status, index) => step(index === 0 ? 0 : pace, status));
}

function step(after: number, type: string, message: Message = null): Step {
  return { after, type, message };
}

function progress(done: number): Message {
  return {
    type: 'progressGenerate',
    task: 'Generate',
    percentage: String((100 * done) / PERCENT_STEPS),
    stepCurrent: String(done),
    stepTotal: String(PERCENT_STEPS),
    speed: (1 / SECONDS_PER_PERCENT_STEP).toFixed(2),
    speedType: 'it/s',
    elapsedTime: String(Math.round(done * SECONDS_PER_PERCENT_STEP)),
    remainingTime: String(Math.round((PERCENT_STEPS - done) * SECONDS_PER_PERCENT_STEP)),
  };
}
