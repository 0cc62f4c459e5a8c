// The faults of a soak, and the allowed ends of a job with each. Faults that hang are left out, because the Worker
// waits half a minute or more for them.
import {
  type AnswerFault,
  type CallbackFault,
  type CdnFault,
  type Faults,
  type OutputFault,
  REFUSALS,
  type TaskFault,
} from '../../sim/index.ts';
import type { Random } from './random.ts';

/** Completed, cancelled, or the code of a failure. */
export type Ending =
  | 'completed'
  | 'cancelled'
  | 'generation_failed'
  | 'submission_unknown'
  | 'upstream_rejected'
  | 'upstream_unavailable';

export interface Fault {
  name: string;
  /** The allowed ends. */
  ending: Ending;
  script: (random: Random) => Faults;
}

type Stage = readonly [Fault, ...Fault[]];

const MOST_IN_A_ROW = 4;

/** The same fault up to four times in a row. */
function repeated<T>(random: Random, fault: T): T[] {
  return Array(1 + random.below(MOST_IN_A_ROW)).fill(fault);
}

const gateway = (random: Random): AnswerFault => ({
  kind: 'status',
  status: random.pick([500, 502, 503, 504]),
});
const error = (code: number, message: string): AnswerFault => ({ kind: 'error', code, message });

/** Refusals that need an operator. */
const OF_THE_ACCOUNT = [
  'balance',
  'signInRequired',
  'tokenInvalid',
  'keyNotFound',
  'signatureRequired',
  'invalidSignature',
  'ipNotAllowed',
  'toolNotAccessible',
  'modelNotFound',
  'suspended',
  'permission',
  'bearerInvalid',
  'urlNotParsed',
] as const satisfies (keyof typeof REFUSALS)[];

/** Refusals because of the parameters of the Run. */
const OF_THE_PARAMETERS = [
  'parameterRequired',
  'parameterNotNumber',
  'parameterOutOfRange',
  'fileRequired',
  'parametersInvalid',
  'invalidParameters',
] as const satisfies (keyof typeof REFUSALS)[];

/** Run is sent again only if it certainly did not start. */
const RUN: Stage = [
  run('429', 'completed', (random) => repeated(random, { kind: 'status', status: 429 })),
  run('429 with Retry-After', 'completed', () => [{ kind: 'status', status: 429, retryAfter: 1 }]),
  run('code 96', 'completed', (random) => repeated(random, error(96, 'Concurrent task limit reached'))),
  run('the limit, in its own words', 'completed', (random) => repeated(random, REFUSALS.concurrency)),
  run('parameters refused', 'upstream_rejected', (random) => [REFUSALS[random.pick(OF_THE_PARAMETERS)]]),
  run('account refused', 'upstream_unavailable', (random) => [REFUSALS[random.pick(OF_THE_ACCOUNT)]]),
  run('5xx', 'submission_unknown', (random) => [gateway(random)]),
  run('garbage', 'submission_unknown', () => [{ kind: 'garbage' }]),
  run('error of the server', 'submission_unknown', () => [error(0, 'Internal error')]),
  run('reset', 'submission_unknown', () => [{ kind: 'reset' }]),
  run('done, answered 5xx', 'completed', () => [{ kind: 'lost', how: 'status' }]),
  run('done, answered garbage', 'completed', () => [{ kind: 'lost', how: 'garbage' }]),
  run('done, answer reset', 'completed', () => [{ kind: 'lost', how: 'reset' }]),
];

/** For a task whose lost Run only the callback can name. A callback does not help while the Worker is stopped. */
export const UNLISTED = 'task: no callback URL in the list';

const TASK: Stage = [
  task('pexit 1', 'generation_failed', { pexit: '1' }),
  task('failed, and charged for', 'generation_failed', {
    pexit: '1',
    reason: 'The model gave up',
    cost: '0.07',
  }),
  task('no outputs', 'generation_failed', { outputs: 'none' }),
  task('cancelled by Wiro', 'cancelled', { end: 'task_cancel' }),
  task('unknown statuses', 'completed', {
    statuses: ['task_queue', 'task_dreaming', 'task_postprocess_end'],
  }),
  { name: UNLISTED, ending: 'completed', script: () => ({ task: { listCallbackUrl: false } }) },
];

const DETAIL: Stage = [
  detail('5xx', gateway),
  detail('task not found', () => REFUSALS.taskNotFound),
  detail('a bare text', () => REFUSALS.taskNotFounded),
  detail('429', () => ({ kind: 'status', status: 429, retryAfter: 1 })),
  detail('garbage', () => ({ kind: 'garbage' })),
  detail('reset', () => ({ kind: 'reset' })),
  detail('answer reset', () => ({ kind: 'lost', how: 'reset' })),
];

const CDN: Stage = [
  cdn('404, 5xx', (random) => ({ kind: 'status', status: random.pick([404, 500, 503]) })),
  output('404 for a while', (random) => ({ delaySeconds: 20 + random.below(100) })),
  output('a preview before the video', () => ({ preview: true })),
  cdn('short', () => ({ kind: 'short' })),
  cdn('long', () => ({ kind: 'long' })),
  cdn('cut', () => ({ kind: 'cut' })),
  cdn('no length', () => ({ kind: 'no-length' })),
  cdn('no length, size unknown', () => ({ kind: 'no-length' }), { patch: withoutSize }),
  cdn('no length, cut', () => ({ kind: 'cut-no-length' })),
  cdn('no length, size unknown, cut', () => ({ kind: 'cut-no-length' }), { patch: withoutSize }),
  cdn('html', () => ({ kind: 'html' })),
  cdn('redirect', () => ({ kind: 'redirect', to: '?again' })),
];

const CALLBACK: Stage = [
  callback('lost', { lost: true }),
  callback('thrice', { times: 3 }),
  callback('late', { delaySeconds: 120 }),
  callback('early', { early: true }),
  callback('empty', { body: 'empty' }),
  callback('garbage', { body: 'garbage' }),
];

/** In the order of a job's steps. The first fault that prevents completion decides how the job ends. */
export const STAGES: readonly [Stage, ...Stage[]] = [RUN, TASK, DETAIL, CDN, CALLBACK];

function run(name: string, ending: Ending, faults: (random: Random) => AnswerFault[]): Fault {
  return { name: `Run: ${name}`, ending, script: (random) => ({ run: faults(random) }) };
}

function task(name: string, ending: Ending, task: TaskFault): Fault {
  return { name: `task: ${name}`, ending, script: () => ({ task }) };
}

function detail(name: string, fault: (random: Random) => AnswerFault): Fault {
  const script = (random: Random) => ({ detail: repeated(random, fault(random)) });
  return { name: `Detail: ${name}`, ending: 'completed', script };
}

function cdn(name: string, fault: (random: Random) => CdnFault, task: TaskFault = {}): Fault {
  const script = (random: Random) => ({ cdn: repeated(random, fault(random)), task });
  return { name: `CDN: ${name}`, ending: 'completed', script };
}

function output(name: string, output: (random: Random) => OutputFault): Fault {
  return { name: `CDN: ${name}`, ending: 'completed', script: (random) => ({ output: output(random) }) };
}

function callback(name: string, callback: CallbackFault): Fault {
  return { name: `callback: ${name}`, ending: 'completed', script: () => ({ callback }) };
}

/** Rows without the size of an output. */
function withoutSize(row: Record<string, unknown>): Record<string, unknown> {
  const outputs = row.outputs as Record<string, unknown>[];
  return { ...row, outputs: outputs.map(({ size: _, ...output }) => output) };
}
