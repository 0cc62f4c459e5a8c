// The texts of the page: stages, numbers and error messages.

/** @typedef {import('../client.js').Video} Video */

/** @type {Record<string, string>} */
const STAGES = {
  waiting: 'Waiting to be sent',
  task_queue: 'In the queue',
  task_accept: 'Accepted',
  task_preprocess_start: 'Preparing',
  task_preprocess_end: 'Prepared',
  task_assign: 'A machine is assigned',
  task_start: 'Started',
  task_output: 'Making the video',
  task_output_full: 'Video made',
  task_end: 'Finishing',
  task_postprocess_start: 'Finishing',
  storing: 'Storing',
};

/** The four steps that the page shows, and the stages in each. */
export const STEPS = ['Queued', 'Preparing', 'Generating', 'Saving'];
const STEP_OF = [
  ['waiting', 'task_queue'],
  ['task_accept', 'task_preprocess_start', 'task_preprocess_end', 'task_assign'],
  ['task_start', 'task_output', 'task_output_full'],
  ['task_end', 'task_postprocess_start', 'storing'],
];

/** @param {Video} video */
export function stageWords({ status, stage, queue_position }) {
  if (status === 'completed') return 'Done';
  if (status === 'failed') return 'Failed';
  if (status === 'cancelled') return 'Cancelled';
  if (queue_position !== null)
    return queue_position === 1 ? 'Next in the queue' : `Number ${queue_position} in the queue`;
  return STAGES[stage] ?? 'Working';
}

/** The index of the current step; the number of steps for a completed video. @param {Video} video */
export function stepOf({ status, stage }) {
  if (status === 'completed') return STEPS.length;
  const step = STEP_OF.findIndex((stages) => stages.includes(stage));
  return step === -1 ? 2 : step;
}

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${`${whole % 60}`.padStart(2, '0')}`;
}

/** @param {number} seconds */
export function aboutSeconds(seconds) {
  if (seconds < 10) return 'a few seconds';
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes <= 1 ? 'about a minute' : `about ${minutes} minutes`;
}

/** @param {number} at  unix seconds */
export function ago(at) {
  const seconds = Date.now() / 1000 - at;
  if (seconds < 60) return 'just now';
  const format = new Intl.RelativeTimeFormat('en', { style: 'long', numeric: 'auto' });
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), 'hour');
  return format.format(-Math.floor(seconds / 86_400), 'day');
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** @param {Video} video */
export function formatOf({ input }) {
  return formatWords(input.resolution, input.duration).join(' · ');
}

/** @param {string | null | undefined} resolution @param {number | null | undefined} duration  seconds */
export function formatWords(resolution, duration) {
  return [...(resolution ? [resolution] : []), ...(duration ? [`${duration} s`] : [])];
}

/** The message for each error code of a response: what happened and what to do. @type {Record<string, string>} */
const PROBLEMS = {
  invalid_request: 'The server could not read the request. Reload the page and try again.',
  invalid_parameter: 'Something in the form needs a change before this can be made.',
  unauthorized: 'This server requires a token. Enter yours to send the video.',
  forbidden: 'Your token does not allow this. Ask the person who gave it to you.',
  origin_not_allowed:
    'This server does not accept requests from this page. Open the page at the server’s own address.',
  challenge_failed:
    'The server could not verify that you are human. Press the button again. Your browser must be allowed to load challenges.cloudflare.com.',
  not_found: 'This video does not exist any more. It was deleted or has expired.',
  method_not_allowed: 'The server does not support this. Reload the page: it may have been updated.',
  not_ready: 'The video is still being made. Wait a moment.',
  already_finished: 'The video had already ended, so it could not be stopped.',
  deleted: 'This was sent before, and its video was deleted. Press the button again to make a new one.',
  payload_too_large: 'The request is too large. Choose an image of at most 20 MiB.',
  unsupported_media_type: 'The server does not accept this type of file. Choose a JPEG, PNG or WebP image.',
  idempotency_key_reused:
    'A different request was sent before with the same key. Press the button again to make a new video.',
  range_not_satisfiable: 'That part of the video does not exist. Play it from the start.',
  rate_limited: 'Too many requests.',
  budget_exhausted: 'Today’s budget is used up. Nothing was started; try again tomorrow.',
  internal: 'The server had an error. Sending again is safe: it never makes a second video.',
  misconfigured: 'The server is not fully configured. Its operator finds the reason in the log.',
  upstream_error:
    'The video service sent an invalid answer. Sending again is safe: it never makes a second video.',
  upstream_unavailable: 'No videos can be made at the moment. Nothing was started.',
  paused: 'The operator of this server has paused it. Nothing was started.',
  unreachable:
    'The server cannot be reached. Check your connection; sending again never makes a second video.',
};

/** The message for each error code of a failed Video. @type {Record<string, string>} */
const FAILURES = {
  generation_failed: 'The model ended without a video. Try other words or another image.',
  upstream_rejected: 'The model refused this. Change the words or the image and send it again.',
  upstream_unavailable: 'The video service did not take the job. Try again later.',
  upstream_timeout: 'The video service did not finish in time. Try again.',
  submission_unknown:
    'It is unknown whether the job was started. The video may still appear here; check again later.',
  storage_failed:
    'The video was made but could not be stored. The operator of this server may still recover it.',
};

/** The start of the Worker's default messages, which are not shown in addition. @type {Record<string, string>} */
const OWN_REASONS = {
  generation_failed: 'The model ended without a video.',
  upstream_rejected: 'The upstream refused the parameters.',
  upstream_unavailable: 'The upstream did not accept the job.',
  upstream_timeout: 'The upstream did not finish the job in time.',
  submission_unknown: "The upstream's answer was lost and no job was found.",
  storage_failed: 'The finished video could not be stored.',
};

/** The codes of a Video's `warnings`. @type {Map<string, string>} */
const WARNINGS = new Map([
  ['first_frame_ignored', 'The model did not use the first frame.'],
  ['last_frame_ignored', 'The model did not use the last frame.'],
]);

/** The messages for the warnings of a video. @param {Video} video */
export function warningWords({ warnings = [] }) {
  return warnings.flatMap((code) => WARNINGS.get(code) ?? []).join(' ');
}

/** @param {unknown} error */
export function problemWords(error) {
  const { code, message, retryAfter, requestId, status } = /** @type {import('../client.js').VideoError} */ (
    error
  );
  const words = PROBLEMS[code];
  if (words === undefined)
    return code ? message : 'Something went wrong here. Reload the page; nothing is lost.';
  const wait = retryAfter && ['rate_limited', 'upstream_unavailable', 'paused'].includes(code);
  const reference = status >= 500 && requestId ? ` (Reference: ${requestId})` : '';
  return `${words}${wait ? ` Try again in ${aboutSeconds(retryAfter)}.` : ''}${reference}`;
}

/** @param {{ code: string, message: string }} failure */
export function failureWords({ code, message }) {
  const words = FAILURES[code];
  if (words === undefined) return message;
  const isOwn = message === '' || message.startsWith(OWN_REASONS[code] ?? message);
  return isOwn ? words : `${words} The reason given: “${message}”`;
}

/** @type {Record<import('../client.js').Connection, string>} */
export const CONNECTIONS = {
  live: '',
  polling: 'No live connection; the status is checked every few seconds.',
  reconnecting: 'The connection is lost. The video is still being made; reconnecting …',
  offline: 'You are offline. The video is still being made; the page continues when you are back online.',
};
