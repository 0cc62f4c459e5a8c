// Faults of the CDN: the copy is retried until it is complete, or until its deadline.
import { COMPLETED, NOT_STORED } from './outcome.ts';
import { always, type CdnRows } from './row.ts';

/** Back to where it came from. */
const SELF = '';
/** A name that nobody has; it is not asked for in any case. */
const FOREIGN = 'https://cdn.example/0.mp4';

export const cdnRows: CdnRows = {
  status: [
    ['HTTP 404', { kind: 'status', status: 404 }, COMPLETED],
    ['HTTP 404 for ever', always({ kind: 'status', status: 404 }), NOT_STORED],
    ['HTTP 500', { kind: 'status', status: 500 }, COMPLETED],
    ['HTTP 503 with Retry-After', { kind: 'status', status: 503, retryAfter: 1 }, COMPLETED],
    ['HTTP 206', { kind: 'status', status: 206 }, COMPLETED],
  ],
  short: [
    ['a shorter file', { kind: 'short' }, COMPLETED],
    ['a shorter file for ever', always({ kind: 'short' }), NOT_STORED],
  ],
  long: [
    ['a longer file', { kind: 'long' }, COMPLETED],
    ['a longer file for ever', always({ kind: 'long' }), NOT_STORED],
  ],
  cut: [
    ['half a file', { kind: 'cut' }, COMPLETED],
    ['half a file for ever', always({ kind: 'cut' }), NOT_STORED],
  ],
  'no-length': [['a file without a length', { kind: 'no-length' }, COMPLETED]],
  'cut-no-length': [
    ['half a file without a length', { kind: 'cut-no-length' }, COMPLETED],
    ['half a file without a length for ever', always({ kind: 'cut-no-length' }), NOT_STORED],
  ],
  html: [
    ['a web page', { kind: 'html' }, COMPLETED],
    ['a web page for ever', always({ kind: 'html' }), NOT_STORED],
  ],
  redirect: [
    ['a redirect to itself', { kind: 'redirect', to: SELF }, COMPLETED],
    ['a redirect to itself for ever', always({ kind: 'redirect', to: SELF }), NOT_STORED],
    ['a redirect to a foreign host', { kind: 'redirect', to: FOREIGN }, COMPLETED],
    ['a redirect to a foreign host for ever', always({ kind: 'redirect', to: FOREIGN }), NOT_STORED],
  ],
  hang: [['headers, then nothing', { kind: 'hang' }, COMPLETED]],
};
