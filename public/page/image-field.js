// <image-field>: the first or the last frame, by drop, paste, picker or link; looked at before it is sent. `data-place` is the id
// of its picker, and begins the ids of its other parts.
import { byId } from './dom.js';
import { size } from './words.js';

const MAX_BYTES = 20 * 1024 * 1024;
const MAX_LINK_CHARS = 2048;

/** @typedef {{ blob: Blob, name: string }} Picture */

class ImageField extends HTMLElement {
  /** @type {Picture | undefined} */
  picture;
  /** Resolves when no image is being read. */
  ready = Promise.resolve();
  /** The image that is being read, or was read last. @type {Blob | undefined} */
  #given;
  #preview = '';

  connectedCallback() {
    const picker = this.#part();
    picker.addEventListener('change', () => {
      const file = picker.files[0];
      picker.value = '';
      if (file) this.take(file);
    });
    this.#part('remove').addEventListener('click', () => {
      this.clear();
      picker.focus();
    });
    this.#part('link').addEventListener('input', () => this.#changed(''));
    this.#part('link').addEventListener('change', () => this.#changed(linkError(this.link)));
    document.addEventListener('paste', (event) => {
      const file = event.clipboardData?.files[0];
      if (!file || !this.#isMeantBy(event)) return;
      event.preventDefault();
      this.take(file);
    });
    this.#acceptDrops();
  }

  /** The picker, or another part. @param {string} [name] */
  #part(name) {
    return byId([this.dataset.place, name].filter(Boolean).join('-'));
  }

  /** What happens in no field is meant for the first. @param {Event} event */
  #isMeantBy({ target }) {
    const field = target instanceof Element && target.closest('image-field');
    return (field || document.querySelector('image-field')) === this;
  }

  get link() {
    return this.#part('link').value.trim();
  }

  set link(link) {
    this.#part('link').value = link;
  }

  /** The error that prevents a submit; '' for none. */
  get error() {
    return this.#part('error').textContent;
  }

  /** @param {string} error */
  set error(error) {
    this.#part('error').textContent = error;
    this.classList.toggle('is-wrong', error !== '');
    for (const part of [this.#part(), this.#part('link')])
      part.setAttribute('aria-invalid', `${error !== ''}`);
  }

  /** Shows the error of the URL. The error of an image is shown when it is read. */
  checkLink() {
    if (!this.picture && this.link) this.error = linkError(this.link);
  }

  /** Restores an image or URL. @param {Picture | undefined} picture @param {string} [link] */
  async restore(picture, link = '') {
    this.clear();
    this.link = link;
    if (picture) await this.take(picture.blob, picture.name);
  }

  /** @param {Blob} blob @param {string} [name] */
  take(blob, name = blob instanceof File ? blob.name : 'Image') {
    this.#given = blob;
    this.ready = this.#read(blob, name);
    return this.ready;
  }

  /** @param {Blob} blob @param {string} name */
  async #read(blob, name) {
    // A file that cannot be read is not an image.
    const type = await typeOf(blob).catch(() => undefined);
    if (blob !== this.#given) return;
    this.picture = { blob: type ? blob.slice(0, blob.size, type) : blob, name };
    this.link = '';
    this.#show(type !== undefined);
    this.#changed(
      type === undefined
        ? `${name} cannot be used: a frame must be a JPEG, PNG or WebP image.`
        : blob.size > MAX_BYTES
          ? `${name} has ${size(blob.size)}; the limit is 20 MiB. Choose a smaller image.`
          : '',
    );
  }

  clear() {
    this.#given = undefined;
    this.picture = undefined;
    this.link = '';
    this.#show(false);
    this.#changed('');
  }

  /** @param {boolean} isPicture */
  #show(isPicture) {
    URL.revokeObjectURL(this.#preview);
    this.#preview = isPicture && this.picture ? URL.createObjectURL(this.picture.blob) : '';
    const preview = this.#part('preview');
    preview.hidden = !this.#preview;
    if (this.#preview) preview.src = this.#preview;
    else preview.removeAttribute('src');
    this.#part('chosen').hidden = !this.picture;
    this.#part('choose').hidden = Boolean(this.picture);
    this.#part('name').textContent = this.picture?.name ?? '';
    this.#part('size').textContent = this.picture ? size(this.picture.blob.size) : '';
  }

  /** @param {string} error */
  #changed(error) {
    this.error = error;
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  #acceptDrops() {
    const isOver = (/** @type {boolean} */ is) => this.classList.toggle('is-over', is);
    // Drops are accepted on the whole page; otherwise a drop next to the field would replace the page with the image.
    document.addEventListener('dragover', (event) => {
      event.preventDefault();
      isOver(this.#isMeantBy(event));
    });
    document.addEventListener('dragleave', (event) => event.relatedTarget === null && isOver(false));
    document.addEventListener('drop', (event) => {
      const file = event.dataTransfer?.files[0];
      const link = event.dataTransfer?.getData('text/uri-list').split('\n')[0];
      isOver(false);
      if ((!file && !link) || !this.#isMeantBy(event)) return;
      event.preventDefault();
      if (file) return void this.take(file);
      this.clear();
      this.link = link ?? '';
      this.#changed(linkError(this.link));
    });
  }
}

/** Detects the type by the first bytes. @param {Blob} blob */
async function typeOf(blob) {
  const head = String.fromCharCode(...new Uint8Array(await blob.slice(0, 12).arrayBuffer()));
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp';
  return undefined;
}

/** @param {string} link */
function linkError(link) {
  if (link === '') return '';
  if (link.length > MAX_LINK_CHARS) return `The link is longer than ${MAX_LINK_CHARS} characters.`;
  if (!URL.canParse(link) || !link.startsWith('https://'))
    return 'The link must start with https:// and point to an image.';
  return '';
}

customElements.define('image-field', ImageField);
