// The form: what is typed is kept, checked and sent, by button or by Ctrl/⌘ + Enter.
import { VideoError } from './client.js';
import { announce, byId, remark, setText } from './dom.js';
import { doubtHealth } from './human.js';
import { recall, remember, Shelf } from './memory.js';
import { deliver, interrupted, send } from './outbox.js';
import { token, wantToken } from './token.js';
import { ABOUT_USD, problemWords } from './words.js';
import './image-field.js';

/** @typedef {import('./client.js').Video} Video */
/** @typedef {import('./client.js').VideoRequest} VideoRequest */
/** @typedef {(video: Video, picture: Blob | undefined) => void} OnVideo */
/** @typedef {{ prompt: string, promptOptimizer: boolean, format: string, link: string }} Fields */

const MAX_CHARS = 2000;

const form = byId('form');
const prompt = byId('prompt');
/** @type {HTMLElement[]} */
const examples = [...byId('examples').children];
const textOf = (/** @type {HTMLElement} */ example) => example.dataset.text ?? '';
const image = /** @type {any} */ (document.querySelector('image-field'));
/** @type {Shelf<import('./image-field.js').Picture>} */
const pictures = new Shelf('draft');
/** @type {AbortController | undefined} */
let sending;
/** What an earlier visit left, once it was read. @type {ReturnType<typeof readKept> | undefined} */
let kept;

/** Makes the form work; `onVideo` is told of each video that was taken on. @param {OnVideo} onVideo */
export async function startForm(onVideo) {
  startExamples();
  restoreFields(recall('draft'));
  form.addEventListener('input', keep);
  form.addEventListener('change', keep);
  image.addEventListener('change', keepPicture);
  form.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    submitForm(onVideo);
  });
  document.addEventListener('keydown', (event) => {
    if (
      event.key === 'Enter' &&
      (event.ctrlKey || event.metaKey) &&
      !document.querySelector('dialog[open]')
    ) {
      form.requestSubmit();
    }
  });
  byId('send-stop').addEventListener('click', () => sending?.abort());
  if (/Mac|iPhone|iPad/.test(navigator.userAgent)) setText(byId('modifier'), '⌘');
  kept = readKept();
  await finishInterrupted(await kept, onVideo);
}

/** Puts the picture back that was chosen, and looks for what was sent. */
async function readKept() {
  const picture = await pictures.get('image');
  if (picture && !image.picture && !image.link) await image.restore(picture);
  return interrupted();
}

/** Fills the form from an earlier video; what was there comes back on demand. @param {Video} video */
export function fillFrom({ input }) {
  const before = { fields: fields(), picture: image.picture };
  image.restore(undefined, input.inputImageFirstUrl ?? '');
  const { prompt: text, promptOptimizer, resolution, duration } = input;
  setFields({
    prompt: text,
    promptOptimizer,
    format: `${resolution} ${duration}`,
    link: input.inputImageFirstUrl ?? '',
  });
  prompt.focus();
  form.scrollIntoView({ block: 'nearest' });
  const note = input.inputImageFirst
    ? 'The form is filled. Choose the first frame again: it is not kept here.'
    : 'The form is filled.';
  remark(note, 'Undo', async () => {
    await image.restore(before.picture, before.fields.link);
    setFields(before.fields);
  });
}

/** The request as it stands, for the code samples too. @returns {VideoRequest} */
export function currentRequest() {
  const { prompt: text, promptOptimizer, format } = fields();
  const [resolution, duration] = format.split(' ');
  const request = { prompt: text.trim(), promptOptimizer, resolution, duration: Number(duration) };
  const frame = image.picture
    ? { inputImageFirst: image.picture.blob }
    : image.link && { inputImageFirstUrl: image.link };
  return /** @type {VideoRequest} */ ({ ...request, ...frame });
}

/** @returns {Fields} */
function fields() {
  const data = new FormData(form);
  return {
    prompt: prompt.value,
    promptOptimizer: data.has('promptOptimizer'),
    format: `${data.get('format')}`,
    link: image.link,
  };
}

/** @param {Fields | null} draft */
function restoreFields(draft) {
  if (draft) {
    setFields(draft);
    image.link = draft.link;
  }
  showFigures();
}

/** @param {Fields} values */
function setFields(values) {
  prompt.value = values.prompt;
  byId('optimizer').checked = values.promptOptimizer;
  for (const radio of form.elements.format) radio.checked = radio.value === values.format;
  keep();
}

function keep() {
  remember('draft', fields());
  showFigures();
  form.dispatchEvent(new Event('kept'));
}

function keepPicture() {
  if (image.picture) pictures.put('image', image.picture);
  else pictures.delete('image');
}

function showFigures() {
  const count = [...prompt.value].length;
  const counter = byId('counter');
  setText(counter, `${count.toLocaleString('en')} / 2,000`);
  counter.classList.toggle('is-over', count > MAX_CHARS);
  byId('examples').hidden = prompt.value !== '' && !examples.map(textOf).includes(prompt.value);
  setText(byId('price'), `about $${ABOUT_USD[fields().format]}`);
  if (byId('prompt-error').textContent && count > 0 && count <= MAX_CHARS) setError('prompt', '');
}

function startExamples() {
  for (const example of examples) {
    example.addEventListener('click', () => {
      prompt.value = textOf(example);
      keep();
      prompt.focus();
    });
  }
}

/** @param {OnVideo} onVideo */
async function submitForm(onVideo) {
  // Who is quick sends the picture, too, that is still being read, and does not send beside it what is sent on.
  await kept;
  await image.ready;
  if (sending) return;
  clearErrors();
  const pictureError = image.error;
  const request = currentRequest();
  image.checkLink();
  const count = [...request.prompt].length;
  if (count === 0) setError('prompt', 'Say what the video shall show.');
  if (count > MAX_CHARS)
    setError(
      'prompt',
      `That is ${(count - MAX_CHARS).toLocaleString('en')} characters too many; 2,000 is the most.`,
    );
  if (pictureError) image.error = pictureError;
  if (focusFirstError()) return;
  await deliverBy(request, onVideo, (options) => send(request, options));
}

/**
 * Videos whose answer a reload cut off: sent on with the same key.
 * @param {Awaited<ReturnType<typeof interrupted>>} attempts @param {OnVideo} onVideo
 */
async function finishInterrupted({ fresh, old }, onVideo) {
  for (const attempt of fresh)
    await deliverBy(attempt.request, onVideo, (options) => deliver(attempt, options));
  if (old[0] && prompt.value === '') {
    const {
      prompt: text,
      promptOptimizer = true,
      resolution,
      duration,
      inputImageFirst,
      inputImageFirstUrl = '',
    } = old[0].request;
    const picture = inputImageFirst && { blob: inputImageFirst, name: 'Image' };
    await image.restore(picture, inputImageFirstUrl);
    setFields({
      prompt: text,
      promptOptimizer,
      format: `${resolution} ${duration}`,
      link: inputImageFirstUrl,
    });
    setError(
      'form',
      'This was sent earlier, but no answer came. Sending it again never makes a second video.',
    );
  }
}

/**
 * @param {VideoRequest} request @param {OnVideo} onVideo
 * @param {(options: { token: string | undefined, signal: AbortSignal, onRetry: () => void }) => Promise<Video>} act
 */
async function deliverBy(request, onVideo, act) {
  sending = new AbortController();
  const { signal } = sending;
  showSending(true);
  try {
    onVideo(await act({ token: token(), signal, onRetry: showWaiting }), request.inputImageFirst);
  } catch (error) {
    showProblem(error, signal, () => deliverBy(request, onVideo, act));
  } finally {
    sending = undefined;
    showSending(false);
  }
}

/** @param {boolean} is */
function showSending(is) {
  const button = byId('send');
  button.setAttribute('aria-disabled', `${is}`);
  setText(byId('send-label'), is ? 'Sending …' : 'Make the video');
  byId('price').hidden = is;
  if (!is) byId('send-waits').hidden = true;
  if (is) announce('Sending');
}

function showWaiting() {
  byId('send-waits').hidden = false;
  const words = navigator.onLine
    ? 'The server cannot be reached. This is sent as soon as it can be, and makes one video only.'
    : 'You are offline. This is sent as soon as you are back, and makes one video only.';
  setText(byId('send-waits-text'), words);
}

/** @param {unknown} error @param {AbortSignal} signal @param {() => void} again */
function showProblem(error, signal, again) {
  if (signal.aborted) {
    setError('form', 'Not sent any more. If it did arrive, sending it again never makes a second video.');
    return;
  }
  if (!(error instanceof VideoError)) {
    setError('form', problemWords(error));
    return reportError(error);
  }
  for (const { field, message } of error.errors) {
    const place = PLACES[field];
    if (place === 'image') image.error = `The image ${message}.`;
    else if (place) setError(place, `${place === 'prompt' ? 'The text' : 'This'} ${message}.`);
  }
  const isShown = error.errors.length > 0 && error.errors.every(({ field }) => PLACES[field]);
  if ([413, 415].includes(error.status) && (image.picture || image.link)) image.error = problemWords(error);
  else if (!isShown) setError('form', inWords(error));
  focusFirstError();
  if (error.status === 401) wantToken(again);
  if (error.code === 'challenge_failed') doubtHealth();
}

/** Where errors about a field of the API are shown. @type {Record<string, string>} */
const PLACES = {
  prompt: 'prompt',
  promptOptimizer: 'optimizer',
  resolution: 'format',
  duration: 'format',
  inputImageFirst: 'image',
  inputImageFirstUrl: 'image',
};

/** @param {VideoError} error */
function inWords(error) {
  // The model's own words, or the fields that have no place here.
  const isOwn = error.code === 'invalid_parameter' && error.message;
  return isOwn ? `${problemWords(error)} It said: “${error.message}”` : problemWords(error);
}

/** @param {string} place @param {string} text */
function setError(place, text) {
  setText(byId(`${place}-error`), text);
  if (place === 'prompt') prompt.setAttribute('aria-invalid', `${text !== ''}`);
}

function clearErrors() {
  for (const place of ['prompt', 'format', 'optimizer', 'form']) setError(place, '');
}

function focusFirstError() {
  const first = [...form.querySelectorAll('[data-error-for]')].find((error) => error.textContent !== '');
  const target = first && byId(first.dataset.errorFor);
  (target?.checkVisibility() ? target : first && byId('image-remove'))?.focus();
  return first !== undefined;
}
