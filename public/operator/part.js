// A part of the page: it is loaded again and again, and its errors are shown in their place.
import { byId, h, setText } from '../page/dom.js';
import { problemWords } from './words.js';

/**
 * Returns a function that loads a part and shows it. After an error, what was shown before stays. If it is called
 * again before the first response arrives, the earlier response is dropped.
 * @template T @param {string} name  of the element `<name>-problem` for errors
 * @param {AbortSignal} signal @param {() => Promise<T>} load @param {(value: T) => void} show
 */
export function part(name, signal, load, show) {
  let latest = 0;
  return async () => {
    latest += 1;
    const mine = latest;
    let problem = '';
    try {
      const value = await load();
      if (signal.aborted || mine !== latest) return;
      show(value);
    } catch (error) {
      if (signal.aborted || mine !== latest) return;
      problem = problemWords(error);
      if (!(/** @type {any} */ (error).code)) reportError(error);
    }
    setText(byId(`${name}-problem`), problem);
  };
}

/** @typedef {{ element: HTMLElement, update: (item: any) => void }} Row */

/**
 * Rows that are kept while their items change, so that neither focus nor questions are lost.
 * @param {HTMLElement} list @param {(item: any) => string | undefined} keyOf  items without a key are dropped
 * @param {(item: any) => Row} create
 * @returns {(items: any[]) => void} shows these items
 */
export function rows(list, keyOf, create) {
  /** @type {Map<string, Row>} */
  const known = new Map();
  return (items) => {
    /** @type {Map<string, any>} */
    const wanted = new Map();
    for (const item of items) {
      const key = keyOf(item);
      if (key !== undefined) wanted.set(key, item);
    }
    for (const [key, { element }] of known) {
      if (wanted.has(key)) continue;
      // The focus stays in the list.
      if (element.contains(document.activeElement)) list.focus();
      element.remove();
      known.delete(key);
    }
    let place = list.firstElementChild;
    for (const [key, item] of wanted) {
      const row = known.get(key) ?? create(item);
      known.set(key, row);
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else list.insertBefore(row.element, place);
    }
  };
}

/** A term and its description for a `<dl>`. @param {string} term @param {...(Node | string)} description */
export function pair(term, ...description) {
  return h('div', {}, h('dt', {}, term), h('dd', {}, ...description));
}

/** Text from outside: its direction does not affect the text around it. @param {string} content @returns {HTMLElement} */
export function foreign(content) {
  return h('bdi', {}, content);
}

/**
 * Sends a request for a button: the button is busy meanwhile, and a failure is shown.
 * @param {HTMLElement} button @param {HTMLElement} place  for the error message
 * @param {AbortSignal} signal @param {() => Promise<void>} act
 */
export async function busy(button, place, signal, act) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  // Not on the question, which is removed.
  button.focus();
  setText(place, '');
  try {
    await act();
  } catch (error) {
    if (signal.aborted) return;
    setText(place, problemWords(error));
    if (!(/** @type {any} */ (error).code)) reportError(error);
  } finally {
    button.removeAttribute('aria-disabled');
  }
}
