// Faults of Task/Detail: it is asked again until the deadline of the job.
import { REFUSALS } from '../../../../sim/index.ts';
import { COMPLETED, TIMED_OUT } from './outcome.ts';
import { type AnswerRows, always } from './row.ts';

export const detailRows: AnswerRows = {
  status: [
    ['HTTP 401', { kind: 'status', status: 401 }, COMPLETED],
    ['HTTP 401 for ever', always({ kind: 'status', status: 401 }), TIMED_OUT],
    ['HTTP 404', { kind: 'status', status: 404 }, COMPLETED],
    ['HTTP 429 with Retry-After', { kind: 'status', status: 429, retryAfter: 1 }, COMPLETED],
    ['HTTP 500', { kind: 'status', status: 500 }, COMPLETED],
    ['HTTP 500 for ever', always({ kind: 'status', status: 500 }), TIMED_OUT],
  ],
  error: [
    ['code 1, not accessible', { kind: 'error', code: 1, message: 'Not found' }, COMPLETED],
    ['code 1 for ever', always({ kind: 'error', code: 1, message: 'Not found' }), TIMED_OUT],
    ['code 98, authentication', { kind: 'error', code: 98, message: 'Wrong key' }, COMPLETED],
    ['code 0, anything', { kind: 'error', code: 0, message: 'Internal error' }, COMPLETED],
  ],
  refusal: [
    ['no task', REFUSALS.taskNotFound, COMPLETED],
    ['no task, in a bare text', REFUSALS.taskNotFounded, COMPLETED],
    ['no permission', REFUSALS.permission, COMPLETED],
    ['no permission for ever', always(REFUSALS.permission), TIMED_OUT],
  ],
  garbage: [
    ['garbage', { kind: 'garbage' }, COMPLETED],
    ['garbage for ever', always({ kind: 'garbage' }), TIMED_OUT],
  ],
  bomb: [['a gzip bomb', { kind: 'bomb' }, COMPLETED]],
  compressed: [['told by gzip', { kind: 'compressed' }, COMPLETED]],
  reset: [
    ['a reset', { kind: 'reset' }, COMPLETED],
    ['a reset for ever', always({ kind: 'reset' }), TIMED_OUT],
  ],
  hang: [['no answer', { kind: 'hang' }, COMPLETED]],
  'lost: status': [['done, then HTTP 502', { kind: 'lost', how: 'status' }, COMPLETED]],
  'lost: garbage': [['done, then garbage', { kind: 'lost', how: 'garbage' }, COMPLETED]],
  'lost: reset': [['done, then a reset', { kind: 'lost', how: 'reset' }, COMPLETED]],
  'lost: hang': [['done, then no answer', { kind: 'lost', how: 'hang' }, COMPLETED]],
};
