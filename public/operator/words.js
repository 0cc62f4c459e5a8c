// The texts of the operator's page: times, amounts, stages and error messages.
import { aboutSeconds, ago } from '../page/words.js';
import { amount, number, text, UNKNOWN } from './values.js';

/** @typedef {import('./session.js').OperatorError} OperatorError */

/** The message for each failure code: what happened and what the operator can do. @type {Map<string, string>} */
const FAILURES = new Map([
  ['generation_failed', 'The model ended without a video.'],
  ['upstream_rejected', 'Wiro refused the parameters.'],
  ['upstream_unavailable', 'Wiro did not take the job: look at balance and key.'],
  ['upstream_timeout', 'Wiro did not finish in time. It may have been paid for.'],
  ['submission_unknown', 'It is unknown whether Wiro started the job. It may have been paid for.'],
  ['storage_failed', 'The video was made and paid for, but could not be stored.'],
]);

/** @type {Map<string, string>} */
const STATUSES = new Map([
  ['queued', 'Waiting'],
  ['in_progress', 'In progress'],
  ['completed', 'Completed'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
]);

/** Shown if a response does not say whose a video is. */
export const UNKNOWN_CLIENT = 'unknown client';

/** @param {unknown} status */
export const statusWords = (status) => STATUSES.get(`${status}`) ?? text(status) ?? UNKNOWN;

/** @param {unknown} value  unix seconds */
export function agoWords(value) {
  const at = number(value);
  return at === undefined ? UNKNOWN : ago(at);
}

/** A time in UTC. @param {unknown} value  unix seconds */
export function timeWords(value) {
  const at = number(value);
  // Outside of these years a date has no such text.
  if (at === undefined || Math.abs(at) > 9_999_999_999) return UNKNOWN;
  return `${new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A duration in its two largest units. @param {number} seconds */
export function durationWords(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(whole / unit));
  if (days) return `${days} d ${(hours ?? 0) % 24} h`;
  if (hours) return `${hours} h ${(minutes ?? 0) % 60} min`;
  return minutes ? `${minutes} min` : `${whole} s`;
}

/** How long ago a time was. @param {unknown} value  unix seconds */
export function ageWords(value) {
  const at = number(value);
  return at === undefined ? UNKNOWN : durationWords(Date.now() / 1000 - at);
}

/** @param {unknown} value */
export function usd(value) {
  const dollars = amount(value);
  if (dollars === undefined) return UNKNOWN;
  return dollars.startsWith('-') ? `-$${dollars.slice(1)}` : `$${dollars}`;
}

/** @param {unknown} value */
export function count(value) {
  return number(value)?.toLocaleString('en-US') ?? UNKNOWN;
}

/** @param {number} many @param {string} one  the word for one; an s is added for several */
export function plural(many, one) {
  return `${many.toLocaleString('en-US')} ${one}${many === 1 ? '' : 's'}`;
}

/** The reason of a failed video. @param {unknown} error */
export function reasonWords(error) {
  const { code, message } = Object(error);
  const words = FAILURES.get(`${code}`);
  const said = text(message);
  if (!words) return said ?? text(code) ?? 'The reason is unknown.';
  // The Worker's message says the same, and more.
  if (said?.startsWith(words.slice(0, words.indexOf('.')))) return said;
  return said ? `${words} The reason given: “${said}”` : words;
}

/** @param {unknown} error  an OperatorError, or a fault of this page */
export function problemWords(error) {
  const { code, message, errors, requestId, retryAfter, status } = /** @type {OperatorError} */ (error);
  if (!code) return 'Something went wrong on this page. Reload it.';
  const reference = requestId ? ` (Reference: ${requestId})` : '';
  if (status === 0) return 'The server cannot be reached. Check your connection.';
  if (status === 401) return 'The server does not accept this token.';
  if (code === 'rate_limited')
    return `Too many requests.${retryAfter ? ` Try again in ${aboutSeconds(retryAfter)}.` : ''}`;
  const fields = errors.map(({ field, message }) => ` ${field}: ${message}.`).join('');
  return `${message || `The server answered ${status} ${code}.`}${fields}${reference}`;
}
