// Stores the inputs of the form for each token, and for use without a token.
import { byId } from './dom.js';
import { recall, remember, Shelf } from './memory.js';
import { chooseModel, chosenModel } from './model-field.js';
import { owner } from './token.js';
import './image-field.js';

/** @typedef {import('./image-field.js').Picture} Picture */
/**
 * @typedef {{ prompt: string, promptOptimizer: boolean, format: string, link: string, lastLink?: string,
 *   model?: string }} Fields */

const form = byId('form');
export const prompt = byId('prompt');
/** The fields of the first and the last frame. */
export const [image, last] = /** @type {any} */ (document.querySelectorAll('image-field'));

/** @type {Shelf<Picture>} */
const pictures = new Shelf('draft', (value) => value?.blob instanceof Blob && typeof value.name === 'string');
/** The owner of the inputs in the form. */
let mine = owner();
/** While the form is cleared for another owner, nothing is stored. */
let isEmptying = false;

/** The storage key for an owner. @param {string} kind @param {string} of */
const nameOf = (kind, of) => (of === '' ? kind : `${kind}:${of}`);

form.addEventListener('input', keep);
form.addEventListener('change', keep);
for (const field of [image, last]) field.addEventListener('change', () => keepPicture(field));

/** Restores the stored inputs. */
export async function restoreDraft() {
  const of = mine;
  const known = recall(nameOf('draft', of), isFields);
  if (known) setFields(known);
  form.dispatchEvent(new Event('kept'));
  for (const field of [image, last]) {
    const picture = await pictures.get(nameOf(field.dataset.place, of));
    if (of === mine && picture && !field.picture && !field.link) await field.restore(picture);
  }
}

/**
 * Shows the inputs of the current owner. Inputs that were made without a token are kept for the first token, and all inputs
 * are kept if `isContinued`.
 * @param {boolean} isContinued
 */
export async function changeDraft(isContinued) {
  const before = mine;
  const { fields: typed, picture, lastPicture } = draft();
  mine = owner();
  const isEmpty = `${typed.prompt}${typed.link}${typed.lastLink}` === '' && !picture && !lastPicture;
  if ((before === '' || isContinued) && !isEmpty) {
    remember(nameOf('draft', before), null);
    for (const field of [image, last]) pictures.delete(nameOf(field.dataset.place, before));
    keep();
    for (const field of [image, last]) keepPicture(field);
    return;
  }
  isEmptying = true;
  form.reset();
  chooseModel({ model: '', format: '' });
  for (const field of [image, last]) field.clear();
  isEmptying = false;
  return restoreDraft();
}

/** The inputs of the form. */
export function draft() {
  const [picture, lastPicture] = [image, last].map(
    (field) => /** @type {Picture | undefined} */ (field.picture),
  );
  return { fields: fields(), picture, lastPicture };
}

/** @returns {Fields} */
export function fields() {
  const data = new FormData(form);
  return {
    prompt: prompt.value,
    promptOptimizer: data.has('promptOptimizer'),
    link: image.link,
    lastLink: last.link,
    ...chosenModel(),
  };
}

/** @param {Fields} values */
export function setFields(values) {
  prompt.value = values.prompt;
  byId('optimizer').checked = values.promptOptimizer;
  chooseModel({ model: values.model ?? '', format: values.format });
  if (!image.picture) image.link = values.link;
  if (!last.picture) last.link = values.lastLink ?? '';
  keep();
}

export function keep() {
  // Another tab may have changed the token, and this tab may not know it yet.
  if (owner() === mine && !isEmptying) remember(nameOf('draft', mine), fields());
  form.dispatchEvent(new Event('kept'));
}

/** @param {any} field */
function keepPicture({ dataset, picture }) {
  if (owner() !== mine || isEmptying) return;
  if (picture) pictures.put(nameOf(dataset.place, mine), picture);
  else pictures.delete(nameOf(dataset.place, mine));
}

/** @param {any} value @returns {value is Fields} */
function isFields(value) {
  return (
    typeof value.prompt === 'string' &&
    typeof value.promptOptimizer === 'boolean' &&
    typeof value.link === 'string' &&
    typeof value.format === 'string' &&
    typeof (value.lastLink ?? '') === 'string' &&
    typeof (value.model ?? '') === 'string'
  );
}
