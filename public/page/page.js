// The page: a form, a stage for one video and a gallery of the others.
import { isId, VideoError } from '../client.js';
import { changeOwner, fillFrom, startForm } from './create.js';
import { byId, remark } from './dom.js';
import { startGallery } from './gallery.js';
import { health, startChallenges } from './human.js';
import { Library } from './library.js';
import { startSnippets } from './snippet.js';
import { Stage } from './stage.js';
import { startToken } from './token.js';
import { problemWords } from './words.js';

/** @typedef {import('../client.js').Video} Video */

const REFRESH_MS = 5000;

const library = new Library();
const stage = new Stage(library, fillFrom);
const showGallery = startGallery(library, open, () => stage.video?.id);

/** @param {Video} video */
function open(video) {
  stage.show(video);
  showGallery();
  document.getElementById('result')?.scrollIntoView({ block: 'nearest' });
}

/** Opens the video in the URL's hash. */
function openNamed() {
  const id = location.hash.slice(1);
  if (id === '' || id === stage.video?.id) return;
  if (!isId(id)) {
    history.replaceState(null, '', location.pathname);
    return remark(problemWords(new VideoError(404, { code: 'not_found' })));
  }
  const video = library.find(id);
  if (video) open(video);
  else stage.open(id);
}

startToken((isContinued) => {
  stage.leave();
  library.load();
  changeOwner(isContinued);
});
startSnippets();
startForm((video, picture) => {
  if (picture) stage.setFirstFrame(video.id, picture);
  library.put(video);
  open(video);
});
window.addEventListener('hashchange', openNamed);
setInterval(() => document.visibilityState === 'visible' && library.refresh(stage.video?.id), REFRESH_MS);
await library.load();
openNamed();
// Show a warning if the server is not protected.
byId('unprotected').hidden = (await health()).protection !== 'none';
await startChallenges();
