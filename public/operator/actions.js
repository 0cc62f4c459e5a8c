// What an operator can do with one video, or with all that match a filter.
import { announce, askBack, h, remark, setText } from '../page/dom.js';
import { busy } from './part.js';
import { objects, size, text, UNKNOWN } from './values.js';
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

/** One request handles some of the videos; this many requests are sent at most. */
const MAX_REQUESTS = 200;

/**
 * Sends requests until no more videos match.
 * @param {(after: string | undefined) => Promise<any>} send  `after`: the last video of the request before
 * @param {(outcome: Outcome) => void} onProgress
 */
export async function forAll(send, onProgress) {
  /** @type {Outcome} */
  const outcome = { done: 0, failed: 0, codes: new Map(), isMore: false };
  /** @type {string | undefined} */
  let after;
  for (let requests = 0; requests < MAX_REQUESTS; requests++) {
    const { done, failed, has_more, last_id } = await send(after);
    outcome.done += size(done);
    // Without a place to go on after, those that failed match the next request too.
    outcome.failed = size(failed) + (after === undefined ? 0 : outcome.failed);
    for (const { code } of objects(failed)) {
      const name = text(code) ?? UNKNOWN;
      outcome.codes.set(name, (outcome.codes.get(name) ?? 0) + 1);
    }
    outcome.isMore = has_more === true;
    onProgress(outcome);
    const next = isId(last_id) && last_id !== after ? last_id : undefined;
    if (!outcome.isMore || (next === undefined && size(done) === 0)) break;
    after = next;
  }
  return outcome;
}

/** @typedef {{ done: number, failed: number, codes: Map<string, number>, isMore: boolean }} Outcome */

/** @param {Outcome} outcome @param {string} verb  what was done */
export function outcomeWords({ done, failed, codes, isMore }, verb) {
  const parts = [`${plural(done, 'video')} ${verb}`];
  const reasons = [...codes].map(([code, many]) => `${code}: ${many}`).join(', ');
  if (failed > 0) parts.push(`${plural(failed, 'video')} not ${verb}${reasons ? ` (${reasons})` : ''}`);
  if (isMore) parts.push('more match');
  return `${parts.join(', ')}.`;
}

/**
 * Makes a button act on all videos that match a filter.
 * @param {Session} session @param {string} name @param {HTMLButtonElement} button @param {HTMLElement} place
 * @param {() => URLSearchParams} filter @param {() => void} onDone
 */
export function startBulk(session, name, button, place, filter, onDone) {
  const action = ACTIONS[name];
  if (!action) return;
  const act = async () => {
    // The filter that was shown, although the form may change meanwhile.
    const shown = filter();
    const send = (/** @type {string | undefined} */ after) => {
      const query = new URLSearchParams(shown);
      if (after) query.set('after', after);
      return session.json(`/operator/videos${action.path}?${query}`, action.method);
    };
    await forAll(send, (outcome) => setText(place, outcomeWords(outcome, 'changed')));
    onDone();
  };
  const ask = () => busy(button, place, session.signal, act);
  askBack(button, `${action.label} all that match?`, `${action.label} all`, ask, 'Do nothing');
}
