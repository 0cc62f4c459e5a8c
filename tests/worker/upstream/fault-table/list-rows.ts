// Faults of Task/List, which is searched for a job whose Run was lost.
import { REFUSALS } from '../../../../sim/index.ts';
import { COMPLETED } from './outcome.ts';
import type { AnswerRows } from './row.ts';

export const listRows: AnswerRows = {
  status: [
    ['HTTP 401', { kind: 'status', status: 401 }, COMPLETED],
    ['HTTP 429', { kind: 'status', status: 429 }, COMPLETED],
    ['HTTP 500', { kind: 'status', status: 500 }, COMPLETED],
  ],
  error: [
    ['code 1, not accessible', { kind: 'error', code: 1, message: 'Not found' }, COMPLETED],
    ['code 0, anything', { kind: 'error', code: 0, message: 'Internal error' }, COMPLETED],
  ],
  refusal: [['no permission', REFUSALS.permission, COMPLETED]],
  garbage: [['garbage', { kind: 'garbage' }, COMPLETED]],
  bomb: [['a gzip bomb', { kind: 'bomb' }, COMPLETED]],
  compressed: [['told by gzip', { kind: 'compressed' }, COMPLETED]],
  reset: [['a reset', { kind: 'reset' }, COMPLETED]],
  'lost: status': [['done, then HTTP 502', { kind: 'lost', how: 'status' }, COMPLETED]],
  'lost: garbage': [['done, then garbage', { kind: 'lost', how: 'garbage' }, COMPLETED]],
  'lost: reset': [['done, then a reset', { kind: 'lost', how: 'reset' }, COMPLETED]],
  hang: [['no answer', { kind: 'hang' }, COMPLETED]],
  'lost: hang': [['done, then no answer', { kind: 'lost', how: 'hang' }, COMPLETED]],
};
