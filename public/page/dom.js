// Helpers that find and create elements.

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * An element with properties, event listeners (`onclick`) and attributes (`aria-label`), and its children.
 * @param {string} tag @param {Record<string, unknown>} [properties] @param {...(Node | string)} children
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) Object.assign(element, { [name]: value });
    else element.setAttribute(name, `${value}`);
  }
  element.append(...children);
  return element;
}

/** Sets the text only if it changes, so that screen readers announce it once. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const announcer = byId('announcer');

/** Announces a text to screen readers. @param {string} text */
export function announce(text) {
  setText(announcer, text);
}

const toast = byId('toast');
/** @type {ReturnType<typeof setTimeout> | undefined} */
let hiding;

/** Shows a message for some seconds, with a button if `label` is given. @param {string} text @param {string} [label] @param {() => void} [action] */
export function remark(text, label, action) {
  const act = () => {
    toast.hidden = true;
    action?.();
  };
  toast.replaceChildren(
    text,
    ...(label ? [h('button', { type: 'button', className: 'link', onclick: act }, label)] : []),
  );
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (toast.hidden = true), label ? 10_000 : 4000);
}

/**
 * Makes a button ask for confirmation: it is replaced by a question and returns afterwards.
 * @param {HTMLButtonElement} button @param {string} question @param {string} yes @param {() => unknown} action
 * @param {string} [no]
 * @returns {() => void} removes the question
 */
export function askBack(button, question, yes, action, no = 'Keep it') {
  const confirm = h('button', { type: 'button', className: 'button danger' }, yes);
  const keep = h('button', { type: 'button', className: 'button quiet' }, no);
  const asked = h(
    'span',
    { className: 'asked', role: 'group', 'aria-label': question },
    question,
    confirm,
    keep,
  );
  // By class, so that other code can hide and show the button independently of the question.
  const ask = (/** @type {boolean} */ is) => {
    button.classList.toggle('is-asking', is);
    if (is) button.after(asked);
    else asked.remove();
  };
  const keepIt = () => {
    ask(false);
    button.focus();
  };
  button.addEventListener('click', () => {
    ask(true);
    confirm.focus();
  });
  keep.addEventListener('click', keepIt);
  asked.addEventListener(
    'keydown',
    (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && keepIt(),
  );
  confirm.addEventListener('click', () => {
    ask(false);
    action();
  });
  return () => ask(false);
}
