// The form: validates and sends it, by button or by Ctrl/⌘ + Enter. draft.js stores the inputs.
import { VideoError } from '../client.js';
import { announce, byId, remark, setText } from './dom.js';
import { changeDraft, draft, fields, image, keep, last, prompt, restoreDraft, setFields } from './draft.js';
import { forgetHealth } from './human.js';
import { currentModel, loadModels, startModels } from './model-field.js';
import { attemptFor, deliver, interrupted } from './outbox.js';
import { owner, requestToken, token } from './token.js';
import { problemWords } from './words.js';

/** @typedef {import('../client.js').Video} Video */
/** @typedef {import('../client.js').VideoRequest} VideoRequest */
/** @typedef {import('./outbox.js').Attempt} Attempt */
/** @typedef {(video: Video, picture: Blob | undefined) => void} OnVideo */

const form = byId('form');
/** @type {HTMLElement[]} */
const examples = [...byId('examples').children];
const textOf = (/** @type {HTMLElement} */ example) => example.dataset.text ?? '';
/** @type {AbortController | undefined} */
let sending;
/** The pending requests of an earlier visit, once they were read. @type {Promise<Awaited<ReturnType<typeof interrupted>>> | undefined} */
let kept;
/** Resolves when those were sent. @type {Promise<void> | undefined} */
let finishing;
/** @type {OnVideo} */
let onAccepted = () => {};

/** Starts the form. `onVideo` is called with each accepted video. @param {OnVideo} onVideo */
export async function startForm(onVideo) {
  onAccepted = onVideo;
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
  await restoreAndResume(restoreDraft());
}

/**
 * The token has changed: hides the inputs and requests of the previous client, which stay stored for it.
 * @param {boolean} isContinued  whether the form keeps its inputs
 */
export async function changeOwner(isContinued) {
  delete form.dataset.ready;
  sending?.abort();
  sending = undefined;
  clearErrors();
  loadModels();
  await restoreAndResume(changeDraft(isContinued));
}

/** Sends interrupted requests after the stored inputs were restored. @param {Promise<void>} restored */
async function restoreAndResume(restored) {
  const mine = owner();
  kept = restored.then(interrupted);
  finishing = kept.then((attempts) => finishInterrupted(attempts, mine));
  await finishing;
  if (owner() === mine) form.dataset.ready = '';
}

/** Fills the form from an earlier video. The previous inputs can be restored. @param {Video} video */
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

/** The request of the form, also for the code samples. @returns {VideoRequest} */
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
  // Wait for pending requests of an earlier visit and for an image that is still being read.
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
  if (count === 0 && !isPromptOptional) setError('prompt', 'Describe the video.');
  if (count > maxChars)
    setError(
      'prompt',
      `The prompt is ${over} characters too long; the limit is ${maxChars.toLocaleString('en')}.`,
    );
  if (pictureError && firstFrame !== 'none') image.error = pictureError;
  if (lastError && !last.hidden) last.error = lastError;
  if (firstFrame === 'required' && !request.inputImageFirst && !request.inputImageFirstUrl)
    image.error = 'This model needs a first frame: choose an image.';
  if (focusFirstError()) return;
  await send(request);
}

/** @param {VideoRequest} request */
function send(request) {
  return deliverBy(attemptFor(request), async () => {
    // Pending requests of the new token's client are sent first.
    await finishing;
    if (!sending) await send(request);
  });
}

/**
 * Sends requests that a reload interrupted, with the same key.
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
      'This was sent earlier, but the answer was lost. Sending it again never makes a second video.',
    );
  }
}

/**
 * @param {Attempt | Promise<Attempt>} finding
 * @param {() => void} [again]  continues with another token, if this one is refused
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
    if (sending === mine) onAccepted(video, attempt.request.inputImageFirst ?? undefined);
  } catch (error) {
    // A request that may have been accepted with this token is not sent with another one.
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
    ? 'The server cannot be reached. Your request is sent as soon as possible, and makes only one video.'
    : 'You are offline. Your request is sent when you are back online, and makes only one video.';
  setText(byId('send-waits-text'), words);
}

/** @param {unknown} error @param {AbortSignal} signal @param {(() => void) | undefined} again */
function showProblem(error, signal, again) {
  if (signal.aborted) {
    setError('form', 'Stopped. If the request did arrive, sending it again never makes a second video.');
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
  if (error.status === 401) requestToken(again, again !== undefined);
  if (error.code === 'challenge_failed') forgetHealth();
}

/** The field of the form for errors about a field of the API. @type {Record<string, string>} */
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
  // The message of the model, or errors about fields that are not in the form.
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
