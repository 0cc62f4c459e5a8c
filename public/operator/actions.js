// What an operator can do with one video, or with all that match a filter.
import { announce, askBack, h, remark, setText } from '../page/dom.js';
import { busy } from './part.js';
import { number } from './values.js';
import { plural } from './words.js';

/** @typedef {import('./session.js').Session} Session */

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {string} question  for one video
 * @property {string} done
 * @property {(video: any) => boolean} fits
 * @property {string} method
 * @property {string} path  behind that of the video, or of all
 */

const isEnded = (/** @type {any} */ { status }) => !['queued', 'in_progress'].includes(status);
const failedBy = (/** @type {any} */ { status, error }, /** @type {string[]} */ codes) =>
  status === 'failed' && codes.includes(error?.code);

/** The order is that of the buttons. @type {Record<string, Action>} */
export const ACTIONS = {
  redrive: {
    label: 'Try again',
    question: 'Look for the job or copy the video again? This never starts a second job.',
    done: 'The video is tried again.',
    fits: (video) => failedBy(video, ['storage_failed', 'submission_unknown', 'upstream_timeout']),
    method: 'POST',
    path: '/redrive',
  },
  release: {
    label: 'Release',
    question: 'Release its reservation? Only if Wiro has no such job.',
    done: 'The reservation is released.',
    fits: (video) => failedBy(video, ['submission_unknown']),
    method: 'POST',
    path: '/release',
  },
  cancel: {
    label: 'Cancel',
    question: 'Cancel this video?',
    done: 'The video is cancelled.',
    fits: (video) => !isEnded(video),
    method: 'POST',
    path: '/cancel',
  },
  delete: {
    label: 'Delete',
    question: 'Delete it for good?',
    done: 'The video is deleted.',
    fits: () => true,
    method: 'DELETE',
    path: '',
  },
};

const ID = /^vid_[a-z2-7]{40}$/;

/** Whether a value can be the id of a video, and so a part of a URL. @param {unknown} value @returns {value is string} */
export function isId(value) {
  return typeof value === 'string' && ID.test(value);
}

/**
 * The buttons for a video.
 * @param {Session} session @param {any} video @param {HTMLElement} place  for errors
 * @param {(name: string) => void} onDone  gets the name of the action
 * @returns {HTMLElement[]}
 */
export function videoButtons(session, video, place, onDone) {
  return Object.entries(ACTIONS)
    .filter(([, { fits }]) => fits(video))
    .map(([name, action]) => {
      const button = h('button', { type: 'button', className: 'button small' }, action.label);
      askBack(button, action.question, action.label, () =>
        busy(button, place, session.signal, async () => {
          await session.json(`/operator/videos/${video.id}${action.path}`, action.method);
          remark(action.done);
          announce(action.done);
          onDone(name);
        }),
      );
      return button;
    });
}

/** The names of the actions that fit a video: its buttons change when these do. @param {any} video */
export function actionNames(video) {
  return Object.keys(ACTIONS)
    .filter((name) => ACTIONS[name]?.fits(video))
    .join();
}

/** Each request handles some of the videos; this many requests are sent at most. */
const MAX_REQUESTS = 100;

/**
 * Makes a button act on all videos that match a filter. The request is repeated as long as more videos match.
 * @param {Session} session @param {string} name @param {HTMLButtonElement} button @param {HTMLElement} place
 * @param {() => URLSearchParams} filter @param {() => void} onDone
 */
export function startBulk(session, name, button, place, filter, onDone) {
  const action = ACTIONS[name];
  if (!action) return;
  const send = async () => {
    // The filter that was shown, although the form may change meanwhile.
    const query = filter();
    let done = 0;
    let failed = 0;
    for (let requests = 0; requests < MAX_REQUESTS; requests++) {
      const result = await session.json(`/operator/videos${action.path}?${query}`, action.method);
      const changed = number(result.done) ?? 0;
      done += changed;
      // Those that could not be changed match the next request too.
      failed = number(result.failed) ?? 0;
      setText(place, bulkWords(done, failed, result.has_more === true));
      if (result.has_more !== true || changed === 0) break;
    }
    onDone();
  };
  const ask = () => busy(button, place, session.signal, send);
  askBack(button, `${action.label} all that match?`, `${action.label} all`, ask, 'Do nothing');
}

/** @param {number} done @param {number} failed @param {boolean} isMore */
function bulkWords(done, failed, isMore) {
  const parts = [`${plural(done, 'video')} changed`];
  if (failed > 0) parts.push(`${plural(failed, 'video')} not changed`);
  if (isMore) parts.push('more match');
  return `${parts.join(', ')}.`;
}
