// The videos that the page knows, newest first: the server's list with a token, else those that this browser made.
import { get, isFinal, isVideo, list, VideoError } from './client.js';
import { recall, remember } from './memory.js';
import { access, owner, token } from './token.js';

/** @typedef {import('./client.js').Video} Video */

const MAX_REMEMBERED = 100;
const PAGE = 24;

export class Library extends EventTarget {
  /** @type {Video[]} */
  videos = [];
  hasMore = false;
  /** @type {unknown} */
  problem;
  /** The ids that the server's list has told, in its order. @type {string[]} */
  #listed = [];

  /** Begins anew with what the current token shows. */
  async load() {
    this.problem = undefined;
    this.hasMore = false;
    this.#listed = [];
    this.videos = token() ? [] : remembered();
    this.#changed();
    if (token()) await this.more();
  }

  /** The next page of the server's list. */
  async more() {
    const asker = owner();
    try {
      const page = await this.#nextPage(this.#listed);
      // The list of the token before.
      if (owner() !== asker) return;
      const known = new Set(this.videos.map(({ id }) => id));
      this.videos.push(...page.data.filter(({ id }) => !known.has(id)));
      this.#listed.push(...page.data.map(({ id }) => id));
      this.hasMore = page.has_more;
      this.problem = undefined;
    } catch (error) {
      if (owner() !== asker) return;
      this.problem = error;
    }
    this.#changed();
  }

  /** What comes behind the listed ones, of which those that were deleted elsewhere are dropped. @param {string[]} listed */
  async #nextPage(listed) {
    const mine = access();
    for (;;) {
      const after = listed.at(-1);
      try {
        return await list({ ...mine, limit: PAGE, after: after ?? null });
      } catch (error) {
        const isGone = error instanceof VideoError && error.errors.some(({ field }) => field === 'after');
        if (!isGone || after === undefined) throw error;
        listed.pop();
        if (listed === this.#listed) this.drop(after);
      }
    }
  }

  /** @param {string} id */
  find(id) {
    return this.videos.find((video) => video.id === id);
  }

  /** Whether a video is known already, keeps what is told of it. @param {Video} video */
  put(video) {
    const at = this.videos.findIndex(({ id }) => id === video.id);
    if (at === -1) {
      const place = this.videos.findIndex(({ created_at }) => created_at <= video.created_at);
      this.videos.splice(place === -1 ? this.videos.length : place, 0, video);
    } else {
      this.videos[at] = video;
    }
    this.#keep();
    this.#changed();
  }

  /** @param {string} id */
  drop(id) {
    this.videos = this.videos.filter((video) => video.id !== id);
    this.#keep(id);
    this.#changed();
  }

  /** Asks how those stand that had not ended, except the one that is watched anyway. @param {string | undefined} watched */
  async refresh(watched) {
    const asker = owner();
    for (const { id } of this.videos.filter((video) => !isFinal(video) && video.id !== watched)) {
      try {
        const video = await get(id, access());
        if (owner() !== asker) return;
        this.put(video);
      } catch (error) {
        if (owner() !== asker) return;
        if (error instanceof VideoError && error.status === 404) this.drop(id);
      }
    }
  }

  /** Together with what another tab has made meanwhile. @param {string} [dropped] */
  #keep(dropped) {
    if (token()) return;
    const known = new Set([dropped, ...this.videos.map(({ id }) => id)]);
    const all = [...this.videos, ...remembered().filter(({ id }) => !known.has(id))];
    const newestFirst = all.toSorted((one, other) => other.created_at - one.created_at);
    remember('videos', newestFirst.slice(0, MAX_REMEMBERED));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** @returns {Video[]} */
function remembered() {
  const now = Date.now() / 1000;
  const isList = (/** @type {unknown} */ value) => Array.isArray(value);
  /** @type {unknown[]} */
  const kept = recall('videos', /** @type {(value: any) => value is unknown[]} */ (isList)) ?? [];
  const videos = kept.filter(isVideo);
  // What is no Video any more would be looked at again on each load.
  if (videos.length < kept.length) remember('videos', videos);
  return videos.filter(({ expires_at }) => !expires_at || expires_at > now);
}
