// The videos in the gallery, newest first: with a token the list of the server, otherwise the videos of this browser.
import { get, isFinal, isVideo, list, VideoError } from '../client.js';
import { recall, remember } from './memory.js';
import { access, owner, token } from './token.js';

/** @typedef {import('../client.js').Video} Video */

const MAX_REMEMBERED = 100;
const PAGE = 24;

export class Library extends EventTarget {
  /** @type {Video[]} */
  videos = [];
  hasMore = false;
  /** @type {unknown} */
  problem;
  /** The ids of the pages that were loaded, in their order. @type {string[]} */
  #listed = [];

  /** Loads the videos for the current token. */
  async load() {
    this.problem = undefined;
    this.hasMore = false;
    this.#listed = [];
    this.videos = token() ? [] : remembered();
    this.#changed();
    if (token()) await this.more();
  }

  /** Loads the next page of the server's list. */
  async more() {
    const asker = owner();
    try {
      const page = await this.#nextPage(this.#listed);
      // This is the list of the previous token.
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

  /** The page after the listed videos. Videos at its start that were deleted elsewhere are dropped. @param {string[]} listed */
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

  /** Adds or replaces a video. @param {Video} video */
  put(video) {
    const at = this.videos.findIndex(({ id }) => id === video.id);
    if (at === -1) {
      const index = this.videos.findIndex(({ created_at }) => created_at <= video.created_at);
      this.videos.splice(index === -1 ? this.videos.length : index, 0, video);
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

  /** Reads all unfinished videos again, except the one that is watched. @param {string | undefined} watched */
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

  /** Stores the videos, together with those of other tabs. @param {string} [dropped] */
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
  // Drop invalid entries, so that they are not read again.
  if (videos.length < kept.length) remember('videos', videos);
  return videos.filter(({ expires_at }) => !expires_at || expires_at > now);
}
