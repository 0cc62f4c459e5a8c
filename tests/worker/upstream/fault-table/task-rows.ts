// Faults of the task: only `task_postprocess_end` with exit code 0 and an output is a success.
import { withoutSize } from '../../support/output-rows.ts';
import { CANCELLED, COMPLETED, GENERATION_FAILED, TIMED_OUT } from './outcome.ts';
import type { TaskRows } from './row.ts';

const STRANGE_STATUSES = ['task_queue', 'task_dreaming', 'task_end', 'task_postprocess_end'];

export const taskRows: TaskRows = {
  pexit: [
    ['exit code 1', { pexit: '1' }, GENERATION_FAILED],
    ['no exit code', { pexit: '' }, GENERATION_FAILED],
  ],
  reason: [['a reason without a failure', { reason: 'None' }, COMPLETED]],
  cost: [['a price of its own', { cost: '1.25' }, COMPLETED]],
  listCallbackUrl: [['no callback URL in the list', { listCallbackUrl: false }, COMPLETED]],
  sticks: [
    ['stuck at task_error', { sticks: 'task_error' }, TIMED_OUT],
    ['stuck at task_start', { sticks: 'task_start' }, TIMED_OUT],
  ],
  outputs: [['no output', { outputs: 'none' }, GENERATION_FAILED]],
  end: [['cancelled by Wiro', { end: 'task_cancel' }, CANCELLED]],
  statuses: [['an unknown status', { statuses: STRANGE_STATUSES }, COMPLETED]],
  never: [['no end', { never: true }, TIMED_OUT]],
  patch: [
    ['no size', { patch: withoutSize.patch! }, COMPLETED],
    ['no status', { patch: ({ status: _, ...row }) => row }, TIMED_OUT],
  ],
};
