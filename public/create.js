// The form: checked and sent, by button or by Ctrl/⌘ + Enter. What is typed is kept by draft.js.
import { VideoError } from './client.js';
import { announce, byId, remark, setText } from './dom.js';
import { changeDraft, draft, fields, image, keep, last, prompt, restoreDraft, setFields } from './draft.js';
import { doubtHealth } from './human.js';
import { currentModel, loadModels, startModels } from './model-field.js';
import { attemptFor, deliver, interrupted } from './outbox.js';
import { owner, token, wantToken } from './token.js';
import { problemWords } from './words.js';

/** @typedef {import('./client.js').Video} Video */
/** @typedef {import('./client.js').VideoRequest} VideoRequest */
/** @typedef {import('./outbox.js').Attempt} Attempt */
/** @typedef {(video: Video, picture: Blob | undefined) => void} OnVideo */

const form = byId('form');
/** @type {HTMLElement[]} */
const examples = [...byId('examples').children];
const textOf = (/** @type {HTMLElement} */ example) => example.dataset.text ?? '';
/** @type {AbortController | undefined} */
let sending;
/** What an earlier visit left, once it was read. @type {Promise<Awaited<ReturnType<typeof interrupted>>> | undefined} */
let kept;
/** When that was sent on. @type {Promise<void> | undefined} */
let finishing;
/** @type {OnVideo} */
let tell = () => {};

/** Makes the form work; `onVideo` is told of each video that was taken on. @param {OnVideo} onVideo */
export async function startForm(onVideo) {
  tell = onVideo;
  startExamples();
  startModels();
  loadModels();
  form.addEventListener('kept', showFigures);
  form.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    submitForm();
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
  await goOn(restoreDraft());
}

/**
 * Another token is in force, or none: what the one before typed and sent is not seen any more, and waits for it.
 * @param {boolean} isContinued  whether the form goes on with what is in it
 */
export async function changeOwner(isContinued) {
  delete form.dataset.ready;
  sending?.abort();
  sending = undefined;
  clearErrors();
  loadModels();
  await goOn(changeDraft(isContinued));
}

/** Sends on what was interrupted, when the form shows what was kept. @param {Promise<void>} restored */
async function goOn(restored) {
  const mine = owner();
  kept = restored.then(interrupted);
  finishing = kept.then((attempts) => finishInterrupted(attempts, mine));
  await finishing;
  if (owner() === mine) form.dataset.ready = '';
}

/** Fills the form from an earlier video; what was there comes back on demand. @param {Video} video */
export function fillFrom({ input, model }) {
  const before = draft();
  const mine = owner();
  image.restore(undefined, input.inputImageFirstUrl ?? '');
  last.restore(undefined, input.inputImageLastUrl ?? '');
  const { prompt: text, promptOptimizer, resolution, duration } = input;
  setFields({
    prompt: text,
    promptOptimizer,
    format: `${resolution ?? ''} ${duration ?? ''}`,
    link: input.inputImageFirstUrl ?? '',
    lastLink: input.inputImageLastUrl ?? '',
    model,
  });
  prompt.focus();
  form.scrollIntoView({ block: 'nearest' });
  const uploaded = [...(input.inputImageFirst ? ['first'] : []), ...(input.inputImageLast ? ['last'] : [])];
  const note = uploaded.length
    ? `The form is filled. Choose the ${uploaded.join(' and the ')} frame again: it is not kept here.`
    : 'The form is filled.';
  remark(note, 'Undo', async () => {
    if (owner() !== mine) return;
    await image.restore(before.picture, before.fields.link);
    await last.restore(before.lastPicture, before.fields.lastLink);
    setFields(before.fields);
  });
}

/** The request as it stands, for the code samples too. @returns {VideoRequest} */
export function currentRequest() {
  const { prompt: text, promptOptimizer, format, model } = fields();
  const [resolution, duration] = format.split(' ');
  const request = {
    ...(model ? { model } : {}),
    ...{ prompt: text.trim(), promptOptimizer },
    ...(resolution ? { resolution } : {}),
    ...(duration ? { duration: Number(duration) } : {}),
  };
  const { firstFrame, hasLastFrame } = currentModel();
  return {
    ...request,
    ...(firstFrame !== 'none' ? frameOf(image, 'inputImageFirst') : {}),
    ...(hasLastFrame ? frameOf(last, 'inputImageLast') : {}),
  };
}

/** @param {any} field @param {string} name  of the file in the API */
function frameOf({ picture, link }, name) {
  if (picture) return { [name]: picture.blob };
  return link ? { [`${name}Url`]: link } : {};
}

function showFigures() {
  const count = [...prompt.value].length;
  const counter = byId('counter');
  const { maxChars } = currentModel();
  setText(counter, `${count.toLocaleString('en')} / ${maxChars.toLocaleString('en')}`);
  counter.classList.toggle('is-over', count > maxChars);
  byId('examples').hidden = prompt.value !== '' && !examples.map(textOf).includes(prompt.value);
  if (byId('prompt-error').textContent && count > 0 && count <= maxChars) setError('prompt', '');
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

async function submitForm() {
  // Who is quick sends the picture, too, that is still being read, and does not send beside it what is sent on.
  const mine = owner();
  await kept;
  await Promise.all([image.ready, last.ready]);
  if (sending || owner() !== mine) return;
  clearErrors();
  const [pictureError, lastError] = [image.error, last.error];
  const request = currentRequest();
  image.checkLink();
  if (!last.hidden) last.checkLink();
  const count = [...request.prompt].length;
  const { firstFrame, isPromptOptional, maxChars } = currentModel();
  const over = (count - maxChars).toLocaleString('en');
  if (count === 0 && !isPromptOptional) setError('prompt', 'Say what the video shall show.');
  if (count > maxChars)
    setError('prompt', `That is ${over} characters too many; ${maxChars.toLocaleString('en')} is the most.`);
  if (pictureError && firstFrame !== 'none') image.error = pictureError;
  if (lastError && !last.hidden) last.error = lastError;
  if (firstFrame === 'required' && !request.inputImageFirst && !request.inputImageFirstUrl)
    image.error = 'This model begins with a picture of yours: choose one.';
  if (focusFirstError()) return;
  await send(request);
}

/** @param {VideoRequest} request */
function send(request) {
  return deliverBy(attemptFor(request), async () => {
    // What the new token's client sent earlier comes first.
    await finishing;
    if (!sending) await send(request);
  });
}

/**
 * Videos whose answer a reload cut off: sent on with the same key.
 * @param {Awaited<ReturnType<typeof interrupted>>} attempts @param {string} mine
 */
async function finishInterrupted({ fresh, old }, mine) {
  for (const attempt of fresh) {
    if (owner() !== mine) return;
    await deliverBy(attempt);
  }
  if (owner() !== mine) return;
  if (old[0] && prompt.value === '') {
    const { prompt: text, promptOptimizer, resolution, duration, ...frames } = old[0].request;
    const [link, lastLink] = [frames.inputImageFirstUrl ?? '', frames.inputImageLastUrl ?? ''];
    const pictureOf = (/** @type {Blob | null | undefined} */ blob) =>
      blob ? { blob, name: 'Image' } : undefined;
    await image.restore(pictureOf(frames.inputImageFirst), link);
    await last.restore(pictureOf(frames.inputImageLast), lastLink);
    setFields({
      prompt: text,
      promptOptimizer: promptOptimizer ?? true,
      format: `${resolution ?? ''} ${duration ?? ''}`,
      ...{ link, lastLink },
      model: old[0].request.model ?? '',
    });
    setError(
      'form',
      'This was sent earlier, but no answer came. Sending it again never makes a second video.',
    );
  }
}

/**
 * @param {Attempt | Promise<Attempt>} finding
 * @param {() => void} [again]  what goes on with another token, if this one is refused
 */
async function deliverBy(finding, again) {
  const mine = new AbortController();
  sending = mine;
  const { signal } = mine;
  showSending(true);
  /** @type {Attempt | undefined} */
  let attempt;
  try {
    attempt = await finding;
    const video = await deliver(attempt, { token: token(), signal, onRetry: showWaiting });
    if (sending === mine) tell(video, attempt.request.inputImageFirst ?? undefined);
  } catch (error) {
    // What may have been taken with this token is not sent with another.
    const mayGoOn = attempt?.owner === '' || !attempt?.isLost;
    if (sending === mine) showProblem(error, signal, mayGoOn ? again : undefined);
  } finally {
    if (sending === mine) sending = undefined;
    if (!sending) showSending(false);
  }
}

/** @param {boolean} is */
function showSending(is) {
  const button = byId('send');
  button.setAttribute('aria-disabled', `${is}`);
  setText(byId('send-label'), is ? 'Sending …' : 'Make the video');
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

/** @param {unknown} error @param {AbortSignal} signal @param {(() => void) | undefined} again */
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
    else if (place === 'last') last.error = `The image ${message}.`;
    else if (place) setError(place, `${place === 'prompt' ? 'The text' : 'This'} ${message}.`);
  }
  const isShown = error.errors.length > 0 && error.errors.every(({ field }) => PLACES[field]);
  // Such a refusal names its field in its text.
  const refused = last.picture && error.message.startsWith('inputImageLast') ? last : image;
  if ([413, 415].includes(error.status) && (refused.picture || refused.link))
    refused.error = problemWords(error);
  else if (!isShown) setError('form', inWords(error));
  focusFirstError();
  if (error.status === 401) wantToken(again, again !== undefined);
  if (error.code === 'challenge_failed') doubtHealth();
}

/** Where errors about a field of the API are shown. @type {Record<string, string>} */
const PLACES = {
  prompt: 'prompt',
  promptOptimizer: 'optimizer',
  model: 'model',
  resolution: 'format',
  duration: 'format',
  inputImageFirst: 'image',
  inputImageFirstUrl: 'image',
  inputImageLast: 'last',
  inputImageLastUrl: 'last',
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
  for (const place of ['prompt', 'model', 'format', 'optimizer', 'form']) setError(place, '');
}

function focusFirstError() {
  const first = [...form.querySelectorAll('[data-error-for]')].find((error) => error.textContent !== '');
  const target = first && byId(first.dataset.errorFor);
  (target?.checkVisibility() ? target : first && byId(`${first.dataset.errorFor}-remove`))?.focus();
  return first !== undefined;
}
