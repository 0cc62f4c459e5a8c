// Faults of Run: it is sent again only after an answer that proves that no job was started.
import { REFUSALS } from '../../../../sim/index.ts';
import {
  ACCOUNT_REFUSED,
  COMPLETED,
  MADE_NOT_ANSWERED_YET,
  NEVER_FOUND,
  NEVER_TAKEN,
  NOT_ANSWERED_YET,
  PARAMETERS_REFUSED,
  TAKEN_LATER,
} from './outcome.ts';
import { type AnswerRows, always } from './row.ts';

const BAD_PARAMETER = 'Request parameter [duration] must be 6 or 10';

export const runRows: AnswerRows = {
  status: [
    ['HTTP 429', { kind: 'status', status: 429 }, TAKEN_LATER],
    ['HTTP 429 with Retry-After', { kind: 'status', status: 429, retryAfter: 1 }, TAKEN_LATER],
    ['HTTP 429 for ever', always({ kind: 'status', status: 429 }), NEVER_TAKEN],
    ['HTTP 401', { kind: 'status', status: 401 }, ACCOUNT_REFUSED],
    ['HTTP 404', { kind: 'status', status: 404 }, ACCOUNT_REFUSED],
    ['HTTP 500', { kind: 'status', status: 500 }, NEVER_FOUND],
    ['HTTP 503 with Retry-After', { kind: 'status', status: 503, retryAfter: 1 }, NEVER_FOUND],
    ['an empty success', { kind: 'status', status: 200, body: '' }, NEVER_FOUND],
    ['a success without a task', { kind: 'status', status: 200, body: '{"result":true}' }, NEVER_FOUND],
  ],
  error: [
    ['code 96, too many jobs', { kind: 'error', code: 96, message: 'Concurrent task limit' }, TAKEN_LATER],
    ['code 97, low balance', { kind: 'error', code: 97, message: 'Low balance' }, ACCOUNT_REFUSED],
    ['code 98, authentication', { kind: 'error', code: 98, message: 'Wrong key' }, ACCOUNT_REFUSED],
    ['code 99, authentication', { kind: 'error', code: 99, message: 'Expired' }, ACCOUNT_REFUSED],
    ['code 1, not accessible', { kind: 'error', code: 1, message: 'Not found' }, ACCOUNT_REFUSED],
    ['code 0, a bad parameter', { kind: 'error', code: 0, message: BAD_PARAMETER }, PARAMETERS_REFUSED],
    ['code 0, anything else', { kind: 'error', code: 0, message: 'Internal error' }, NEVER_FOUND],
  ],
  refusal: [
    ['the limit, with the balance', REFUSALS.concurrency, TAKEN_LATER],
    ['no balance', REFUSALS.balance, ACCOUNT_REFUSED],
    ['a wrong signature', REFUSALS.invalidSignature, ACCOUNT_REFUSED],
    ['a parameter missing', REFUSALS.parameterRequired, PARAMETERS_REFUSED],
  ],
  garbage: [['garbage', { kind: 'garbage' }, NEVER_FOUND]],
  bomb: [['a gzip bomb', { kind: 'bomb' }, NEVER_FOUND]],
  compressed: [['done, and told by gzip', { kind: 'compressed' }, COMPLETED]],
  reset: [['a reset', { kind: 'reset' }, NEVER_FOUND]],
  hang: [['no answer', { kind: 'hang' }, NOT_ANSWERED_YET]],
  'lost: status': [
    ['done, then HTTP 502', { kind: 'lost', how: 'status' }, COMPLETED],
    ['done, then HTTP 504', { kind: 'lost', how: 'status', status: 504 }, COMPLETED],
  ],
  'lost: garbage': [['done, then garbage', { kind: 'lost', how: 'garbage' }, COMPLETED]],
  'lost: reset': [['done, then a reset', { kind: 'lost', how: 'reset' }, COMPLETED]],
  'lost: hang': [['done, then no answer', { kind: 'lost', how: 'hang' }, MADE_NOT_ANSWERED_YET]],
};
