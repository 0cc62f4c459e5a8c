// The stage: shows the progress of one video, and plays it when it is completed.
import { cancel, get, isFinal, remove, VideoError, watch } from '../client.js';
import { announce, askBack, byId, h, remark, setText } from './dom.js';
import { dropPoster, posterOf } from './posters.js';
import { Estimate, rememberDuration } from './timing.js';
import { access, owner, requestToken } from './token.js';
import {
  aboutSeconds,
  CONNECTIONS,
  clock,
  failureWords,
  formatOf,
  problemWords,
  STEPS,
  stageWords,
  stepOf,
  warningWords,
} from './words.js';

/** @typedef {import('../client.js').Video} Video */
/** @typedef {import('./library.js').Library} Library */

const TITLE = document.title;
const player = byId('player');
const log = byId('log');
/** The log lines of each video, until the page is closed. @type {Map<string, Node[]>} */
const logs = new Map();
/** The first frames of videos that were submitted here, until the page is closed. @type {Map<string, string>} */
const firstFrames = new Map();

export class Stage {
  /** @type {Video | undefined} */
  video;
  #library;
  #estimate = new Estimate();
  #watching = new AbortController();
  /** Removes the questions of buttons. @type {(() => void)[]} */
  #removeQuestions;

  /** @param {Library} library @param {(video: Video) => void} onAgain */
  constructor(library, onAgain) {
    this.#library = library;
    this.#removeQuestions = [
      askBack(byId('cancel'), 'Stop this video?', 'Stop it', () => this.#cancel()),
      askBack(byId('delete'), 'Delete it for good?', 'Delete it', () => this.#delete()),
    ];
    byId('again').addEventListener('click', () => this.video && onAgain(this.video));
    byId('copy').addEventListener('click', () => this.#copyLink());
    player.addEventListener('error', () => this.#renew());
    setInterval(() => this.#showTimes(), 1000);
    for (const step of STEPS) byId('steps').append(h('li', {}, step));
  }

  /** @param {string} id @param {Blob} picture */
  setFirstFrame(id, picture) {
    firstFrames.set(id, URL.createObjectURL(picture));
  }

  /** Shows a video and follows its progress. @param {Video} video */
  async show(video) {
    this.close();
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    history.replaceState(null, '', `#${video.id}`);
    log.replaceChildren(...(logs.get(video.id) ?? []));
    byId('log-drawer').hidden = log.childElementCount === 0;
    const picture = byId('first-frame');
    picture.hidden = !firstFrames.has(video.id) || isFinal(video);
    if (!picture.hidden) picture.src = firstFrames.get(video.id);
    this.#render(video);
    try {
      // Its link may have expired, and the video may be deleted.
      if (isFinal(video)) this.#render(await get(video.id, access(signal)));
      else await this.#follow(video, signal);
    } catch (error) {
      if (!signal.aborted) this.#handleError(video, error);
    }
  }

  /** Loads and shows a video by its id. @param {string} id */
  async open(id) {
    const asker = owner();
    try {
      const video = await get(id, access());
      if (owner() !== asker) return;
      this.#library.put(video);
      this.show(video);
    } catch (error) {
      if (owner() !== asker) return;
      if (error instanceof VideoError && error.status === 401) return requestToken(() => this.open(id));
      history.replaceState(null, '', location.pathname);
      remark(problemWords(error));
    }
  }

  /** Clears the stage and the hash of the URL. */
  leave() {
    this.close();
    setText(byId('stage-prompt'), '');
    history.replaceState(null, '', location.pathname);
  }

  close() {
    this.#watching.abort();
    for (const removeQuestion of this.#removeQuestions) removeQuestion();
    this.#estimate = new Estimate();
    this.video = undefined;
    player.hidden = true;
    player.removeAttribute('src');
    player.removeAttribute('poster');
    byId('result').hidden = true;
    byId('empty').hidden = false;
    this.#say('');
    document.title = TITLE;
  }

  /** @param {Video} video @param {AbortSignal} signal */
  async #follow(video, signal) {
    for await (const event of watch(video, access(signal))) {
      if (event.type === 'video') {
        this.#library.put(event.video);
        this.#render(event.video);
        if (isFinal(event.video)) rememberDuration(event.video);
      } else if (event.type === 'log') {
        this.#addLine(video.id, event);
      } else {
        this.#say(CONNECTIONS[event.state]);
      }
    }
  }

  /** @param {Video} video */
  #render(video) {
    const before = this.video;
    this.video = video;
    this.#estimate.saw(video, Date.now() / 1000);
    const words = stageWords(video);
    const isDone = video.status === 'completed';
    byId('result').hidden = false;
    byId('empty').hidden = true;
    byId('result').dataset.status = video.status;
    setText(byId('stage'), words);
    setText(byId('stage-prompt'), video.input.prompt);
    setText(byId('facts'), factsOf(video));
    setText(
      byId('failure'),
      video.error
        ? failureWords(video.error)
        : video.status === 'cancelled'
          ? 'It was stopped before it was finished.'
          : '',
    );
    const warnings = warningWords(video);
    setText(byId('warnings'), warnings);
    byId('warnings').hidden = warnings === '';
    byId('working').hidden = isFinal(video);
    byId('cancel').hidden = isFinal(video);
    for (const id of ['copy', 'download']) byId(id).hidden = !isDone;
    for (const id of ['delete', 'again']) byId(id).hidden = !isFinal(video);
    byId('frame').hidden = isFinal(video) && !isDone;
    if (isFinal(video) !== (before && isFinal(before)) || !before)
      for (const removeQuestion of this.#removeQuestions) removeQuestion();
    if (isDone) this.#play(video);
    this.#showProgress(video);
    this.#showTimes();
    if (before?.id === video.id && words !== stageWords(before)) announce(announcement(video, words));
    document.title = isFinal(video) ? `${words} – ${TITLE}` : `${video.progress} % – ${TITLE}`;
  }

  /** @param {Video} video */
  #showProgress(video) {
    const bar = byId('progress');
    const isKnown = video.progress_source !== 'none' && video.queue_position === null;
    bar.dataset.source = isKnown ? video.progress_source : 'none';
    if (isKnown) bar.value = video.progress;
    else bar.removeAttribute('value');
    const about = video.progress_source === 'estimate' ? 'about ' : '';
    setText(byId('percent'), isKnown && !isFinal(video) ? `${about}${video.progress} %` : '');
    const current = stepOf(video);
    [...byId('steps').children].forEach((step, index) => {
      step.className = index < current ? 'is-past' : index === current ? 'is-now' : '';
      if (index === current) step.setAttribute('aria-current', 'step');
      else step.removeAttribute('aria-current');
    });
  }

  #showTimes() {
    const { video } = this;
    if (!video || isFinal(video)) return;
    const now = Date.now() / 1000;
    setText(byId('elapsed'), clock(now - video.created_at));
    const left = this.#estimate.remaining(video, now);
    const source = left?.by === 'recent videos' ? ', based on recent videos' : '';
    setText(byId('remaining'), left ? `${aboutSeconds(left.seconds)} left${source}` : 'no estimate yet');
  }

  /** @param {Video} video */
  #play(video) {
    const source = ownLink(video);
    byId('download').href = withParameter(source, 'download', '1');
    if (player.getAttribute('src') === source) return;
    // With a renewed link the same video continues to play, unless it has failed.
    const isRenewal = !player.hidden && pathOf(player.src) === pathOf(source) && !player.error;
    if (isRenewal) return;
    byId('first-frame').hidden = true;
    player.src = source;
    player.hidden = false;
    // Browsers allow autoplay only without sound.
    player.muted = true;
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) player.play().catch(() => {});
    posterOf(video.id, source, ownThumbnail(video)).then((poster) => {
      if (poster && this.video?.id === video.id) player.poster = poster;
    });
  }

  /** Handles an error of the player: its link may have expired. */
  async #renew() {
    const { video } = this;
    if (!video || !player.getAttribute('src')) return;
    const at = player.currentTime;
    try {
      const renewed = await get(video.id, access(this.#watching.signal));
      const source = ownLink(renewed);
      if (source === player.getAttribute('src'))
        return this.#say('The video cannot be played here. Download it instead.');
      this.#render(renewed);
      player.currentTime = at;
    } catch (error) {
      if (!this.#watching.signal.aborted) this.#handleError(video, error);
    }
  }

  /** @param {string} id @param {{ stream: string, text: string }} line */
  #addLine(id, { stream, text }) {
    const item = h('li', { className: stream }, text);
    logs.set(id, [...(logs.get(id) ?? []), item]);
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.append(item);
    byId('log-drawer').hidden = false;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  async #cancel() {
    const { video } = this;
    if (!video) return;
    this.#say('Stopping …');
    const asker = owner();
    try {
      const stopped = await cancel(video.id, access());
      if (owner() !== asker) return;
      this.#library.put(stopped);
      if (this.video?.id !== video.id) return;
      this.#say('');
      this.#render(stopped);
      byId('again').focus();
    } catch (error) {
      this.#say(problemWords(error));
    }
  }

  async #delete() {
    const { video } = this;
    if (!video) return;
    try {
      await remove(video.id, access());
    } catch (error) {
      if (!(error instanceof VideoError) || error.status !== 404) return this.#say(problemWords(error));
    }
    this.#forget(video.id);
    remark('The video is deleted.');
    announce('The video is deleted.');
    byId('prompt').focus();
  }

  /** @param {Video} video @param {unknown} error */
  #handleError(video, error) {
    this.#say(problemWords(error));
    if (!(error instanceof VideoError)) return reportError(error);
    if (error.status === 404) this.#forget(video.id);
    if (error.status === 404) remark(problemWords(error));
    if (error.status === 401) requestToken(() => this.open(video.id));
  }

  /** @param {string} id */
  #forget(id) {
    if (this.video?.id === id) this.leave();
    this.#library.drop(id);
    logs.delete(id);
    dropPoster(id);
  }

  async #copyLink() {
    if (!this.video) return;
    const link = new URL(ownLink(this.video), location.href);
    const note = link.searchParams.has('grant')
      ? 'The link is copied. It works for six hours.'
      : 'The link is copied.';
    try {
      await navigator.clipboard.writeText(link.href);
      remark(note);
    } catch {
      // Without https, or not allowed.
      prompt('Copy this link:', link.href);
    }
  }

  /** @param {string} text */
  #say(text) {
    setText(byId('notice'), text);
  }
}

/** @param {Video} video */
function factsOf(video) {
  const { input, cost_usd, completed_at, started_at } = video;
  const parts = formatOf(video) ? [formatOf(video)] : [];
  const isFrom = input.inputImageFirst || input.inputImageFirstUrl;
  const isTo = input.inputImageLast || input.inputImageLastUrl;
  if (isFrom || isTo)
    parts.push(isFrom && isTo ? 'from an image to another' : isFrom ? 'from an image' : 'to an image');
  if (cost_usd) parts.push(`$${cost_usd}`);
  if (video.status === 'completed' && completed_at && started_at)
    parts.push(`made in ${clock(completed_at - started_at)}`);
  return parts.join(' · ');
}

/** @param {Video} video @param {string} words */
function announcement(video, words) {
  if (video.status === 'completed') return 'Your video is ready.';
  if (video.error) return `It failed. ${failureWords(video.error)}`;
  return video.progress_source === 'none' ? words : `${words}, ${video.progress} percent`;
}

/**
 * The URL of the video's file on this origin. Only the grant is taken from `urls.content`.
 * @param {Video} video
 */
export function ownLink({ id, urls }) {
  const link = urls.content ?? '';
  const grant = URL.canParse(link, location.href) && new URL(link, location.href).searchParams.get('grant');
  return `/v1/videos/${encodeURIComponent(id)}/content${grant ? `?grant=${encodeURIComponent(grant)}` : ''}`;
}

/** The URL of its thumbnail on this origin, if the server makes some. @param {Video} video */
export const ownThumbnail = (video) =>
  video.urls.thumbnail ? withParameter(ownLink(video), 'variant', 'thumbnail') : undefined;

/** @param {string} link */
const pathOf = (link) => new URL(link, location.href).pathname;

/** @param {string} link @param {string} name @param {string} value */
function withParameter(link, name, value) {
  const url = new URL(link, location.href);
  url.searchParams.set(name, value);
  return url.pathname + url.search;
}
