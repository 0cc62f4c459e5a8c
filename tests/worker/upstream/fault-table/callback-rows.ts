// Faults of the callback: it may be late, early, repeated, malformed or missing, and decides nothing.
import { COMPLETED } from './outcome.ts';
import type { CallbackRows } from './row.ts';

const CLAIM = { contentType: 'application/json', body: '{"status":"task_cancel","pexit":"1"}' };
const WEB_PAGE = { contentType: 'text/html', body: '<!doctype html><p>done</p>' };

export const callbackRows: CallbackRows = {
  lost: [['none', { lost: true }, COMPLETED]],
  times: [['three times', { times: 3 }, COMPLETED]],
  delaySeconds: [['long after the end', { delaySeconds: 600 }, COMPLETED]],
  early: [["before Run's answer", { early: true }, COMPLETED]],
  'body: detail': [["Detail's answer", { body: 'detail' }, COMPLETED]],
  'body: bare': [['a bare task', { body: 'bare' }, COMPLETED]],
  'body: form': [['a form', { body: 'form' }, COMPLETED]],
  'body: empty': [['nothing in it', { body: 'empty' }, COMPLETED]],
  'body: garbage': [['a MiB of garbage', { body: 'garbage' }, COMPLETED]],
  'body: any other': [
    ['the claim that it failed', { body: CLAIM }, COMPLETED],
    ['a web page', { body: WEB_PAGE }, COMPLETED],
  ],
};
