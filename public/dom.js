// The little that is needed to make and find elements.

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

/** Sets text only where it changes, so that nobody is told the same twice. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const announcer = byId('announcer');

/** Tells those who do not see the page. @param {string} text */
export function announce(text) {
  setText(announcer, text);
}

const toast = byId('toast');
/** @type {ReturnType<typeof setTimeout> | undefined} */
let hiding;

/** A passing remark; with something to press, if given. @param {string} text @param {string} [label] @param {() => void} [action] */
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
 * A button that asks back in its own place: pressed, it makes room for the question, and comes back by itself.
 * @param {HTMLButtonElement} button @param {string} question @param {string} yes @param {() => unknown} action
 * @returns {() => void} takes the question back
 */
export function askBack(button, question, yes, action) {
  const confirm = h('button', { type: 'button', className: 'button danger' }, yes);
  const keep = h('button', { type: 'button', className: 'button quiet' }, 'Keep it');
  const asked = h(
    'span',
    { className: 'asked', role: 'group', 'aria-label': question },
    question,
    confirm,
    keep,
  );
  // Whoever hides or shows the button meanwhile need not know of the question.
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
