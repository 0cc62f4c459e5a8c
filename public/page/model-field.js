// The fields of the form that depend on the model: which one, its formats and their prices, and its frames.
import { byId, h, setText } from './dom.js';
import { BUILT_IN, offeredModels } from './models.js';
import { formatWords } from './words.js';

/** @typedef {import('./models.js').Model} Model */

/** @type {Model[]} */
let offered = [BUILT_IN];
/** Until the models are loaded, the field stays visible to avoid a layout shift. */
let isLoaded = false;
/** The choice, which may be made before the models are loaded. */
let wanted = { model: '', format: '' };

/** The chosen model. @returns {Model} */
export function currentModel() {
  return offered.find(({ id }) => id === wanted.model) ?? offered[0] ?? BUILT_IN;
}

/** The chosen model and format; model '' if there is only one. */
export function chosenModel() {
  const checked = byId('form').elements.format;
  return { model: offered.length > 1 ? currentModel().id : '', format: `${checked?.value ?? ''}` };
}

/** @param {{ model: string, format: string }} choice  a format such as `768P 6` */
export function chooseModel(choice) {
  wanted = choice;
  show();
}

export function startModels() {
  byId('model').addEventListener('change', () => {
    wanted = { model: byId('model').value, format: chosenModel().format };
    show();
  });
  byId('formats').addEventListener('change', () => (wanted.format = chosenModel().format));
}

/** Loads the models that the server offers for the current token. */
export async function loadModels() {
  offered = await offeredModels();
  isLoaded = true;
  show();
  byId('form').dispatchEvent(new Event('kept'));
}

function show() {
  const model = currentModel();
  if (isLoaded) showModels(model);
  showFormats(model);
  setText(byId('image-need'), model.firstFrame);
  const [first, last] = /** @type {any} */ (document.querySelectorAll('image-field'));
  first.hidden = model.firstFrame === 'none';
  last.hidden = !model.hasLastFrame;
  for (const field of [first, last]) if (!field.picture && !field.link) field.error = '';
}

/** @param {Model} model */
function showModels(model) {
  byId('model-field').hidden = offered.length < 2;
  byId('model').replaceChildren(
    ...offered.map(({ id }) => h('option', { value: id, selected: id === model.id }, id)),
  );
}

/** @param {Model} model */
function showFormats({ formats }) {
  const place = byId('formats');
  const values = formats.map(({ resolution = '', duration = '' }) => `${resolution} ${duration}`);
  const chosen = values.includes(wanted.format) ? wanted.format : values[0];
  const labels = formats.map(({ resolution, duration, price }, index) => {
    const value = values[index] ?? '';
    const id = index === 0 ? 'format' : `format-${index}`;
    const radio = h('input', { type: 'radio', name: 'format', value, id, checked: value === chosen });
    const cost = price ? [' ', h('small', {}, `$${price}`)] : [];
    return h(
      'label',
      {},
      radio,
      h('span', {}, h('b', {}, formatWords(resolution, duration).join(', ') || 'Default format'), ...cost),
    );
  });
  const isSame =
    place.textContent.trim().replace(/\s+/g, ' ') === labels.map((label) => label.textContent).join(' ');
  if (!isSame) place.replaceChildren(...labels);
  for (const radio of place.querySelectorAll('input')) radio.checked = radio.value === chosen;
  byId('format-hint').hidden = !(
    values.includes('768P 10') &&
    !values.includes('1080P 10') &&
    values.includes('1080P 6')
  );
}
