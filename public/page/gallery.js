// Earlier videos as cards, newest first.
import { isFinal } from '../client.js';
import { byId, h, setText } from './dom.js';
import { posterOf } from './posters.js';
import { ownLink, ownThumbnail } from './stage.js';
import { ago, formatOf, problemWords, stageWords } from './words.js';

/** @typedef {import('../client.js').Video} Video */

const cards = byId('cards');
/** @type {Map<string, HTMLElement>} */
const known = new Map();
/** Poster images are captured for cards that are visible. */
const visible = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      visible.unobserve(target);
      showPoster(/** @type {HTMLElement} */ (target));
    }
  },
  { rootMargin: '200px' },
);

/**
 * @param {import('./library.js').Library} library
 * @param {(video: Video) => void} onOpen
 * @param {() => string | undefined} current  the id of the video on the stage
 */
export function startGallery(library, onOpen, current) {
  const show = () => {
    const ids = new Set(library.videos.map(({ id }) => id));
    for (const [id, card] of known) {
      if (ids.has(id)) continue;
      card.remove();
      known.delete(id);
    }
    library.videos.forEach((video, index) => {
      const card = known.get(video.id) ?? newCard(video.id, () => onOpen(library.find(video.id) ?? video));
      update(card, video, video.id === current());
      if (cards.children[index] !== card) cards.insertBefore(card, cards.children[index] ?? null);
    });
    byId('gallery').hidden = library.videos.length === 0 && !library.problem;
    byId('more').hidden = !library.hasMore;
    setText(byId('gallery-problem'), library.problem ? problemWords(library.problem) : '');
  };
  library.addEventListener('change', show);
  byId('more').addEventListener('click', () => library.more());
  return show;
}

/** @param {string} id @param {() => void} onOpen @returns {HTMLElement} */
function newCard(id, onOpen) {
  const picture = h('span', { className: 'poster' }, h('span', { className: 'badge' }));
  const text = h('span', { className: 'card-prompt' });
  const facts = h('span', { className: 'card-facts' });
  const button = h('button', { type: 'button', className: 'card', onclick: onOpen }, picture, text, facts);
  const card = h('li', {}, button);
  card.dataset.id = id;
  known.set(id, card);
  return card;
}

/** @param {HTMLElement} card @param {Video} video @param {boolean} isCurrent */
function update(card, video, isCurrent) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (card.querySelector(selector));
  setText(find('.card-prompt'), video.input.prompt);
  setText(find('.card-facts'), `${formatOf(video)} · ${ago(video.created_at)}`);
  const isDone = video.status === 'completed';
  const badge = isDone
    ? ''
    : isFinal(video) || video.queue_position !== null
      ? stageWords(video)
      : `${video.progress} %`;
  setText(find('.badge'), badge);
  find('.badge').hidden = isDone;
  card.dataset.status = video.status;
  if (isCurrent) find('button').setAttribute('aria-current', 'true');
  else find('button').removeAttribute('aria-current');
  if (isDone && !card.dataset.source) visible.observe(card);
  if (isDone) Object.assign(card.dataset, { source: ownLink(video), thumbnail: ownThumbnail(video) ?? '' });
}

/** @param {HTMLElement} card */
async function showPoster(card) {
  const { id = '', source = '', thumbnail } = card.dataset;
  const poster = await posterOf(id, source, thumbnail);
  if (poster) card.querySelector('.poster')?.prepend(h('img', { src: poster, alt: '' }));
}
