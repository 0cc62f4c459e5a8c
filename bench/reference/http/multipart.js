// multipart/form-data taken apart as it streams in.
import { joined } from '../streams.js';

const MAX_HEADER_BYTES = 8 * 1024;
const MAX_PADDING = 64;
const CR = 13;
const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

export class FormError extends Error {}

/** The boundary parameter of a content type, or undefined. */
export function boundaryOf(contentType) {
  const [, quoted, token] = contentType.match(/;\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))/i) ?? [];
  const boundary = quoted ?? token;
  return boundary && /^[\w'()+,\-./:=? ]{1,70}$/.test(boundary) ? boundary : undefined;
}

/**
 * The parts of a form one after the other: `{ part }` when one begins, `{ data }` for its bytes, `{ end: true }`.
 * @param {AsyncIterable<Uint8Array>} chunks
 */
export async function* pieces(chunks, boundary) {
  const delimiter = utf8.encode(`\r\n--${boundary}`);
  // The line break before the first delimiter is implied, so that all look alike.
  let pending = utf8.encode('\r\n');
  let state = 'preamble';
  const skip = (count) => {
    pending = pending.subarray(count);
  };
  for await (const chunk of chunks) {
    if (state === 'done') continue;
    pending = pending.length === 0 ? chunk : joined([pending, chunk], pending.length + chunk.length);
    for (let isHungry = false; !isHungry; ) {
      if (state === 'preamble' || state === 'body') {
        const at = indexOf(pending, delimiter);
        const end = at >= 0 ? at : Math.max(0, pending.length - delimiter.length + 1);
        if (state === 'body' && end > 0) yield { data: pending.subarray(0, end) };
        skip(end);
        isHungry = at < 0;
        if (isHungry) continue;
        if (state === 'body') yield { end: true };
        skip(delimiter.length);
        state = 'delimiter';
      } else if (state === 'delimiter') {
        state = afterDelimiter(pending) ?? state;
        if (state === 'headers') skip(pending.indexOf(CR));
        isHungry = state !== 'headers';
      } else {
        const end = indexOf(pending, HEADERS_END);
        if (end > MAX_HEADER_BYTES || (end < 0 && pending.length > MAX_HEADER_BYTES + HEADERS_END.length)) {
          throw new FormError(`a part's headers are longer than ${MAX_HEADER_BYTES} bytes or not text`);
        }
        isHungry = end < 0;
        if (isHungry) continue;
        const part = partOf(pending.subarray(0, end));
        skip(end + HEADERS_END.length);
        state = 'body';
        yield { part };
      }
    }
  }
  if (state !== 'done') throw new FormError('the multipart body ends before its closing boundary');
}

const HEADERS_END = utf8.encode('\r\n\r\n');
const DASH = 45;
const LF = 10;

/** `--` ends the form; padding and a line break begin a part. Undefined while that can not be told. */
function afterDelimiter(bytes) {
  if (bytes[0] === DASH && bytes[1] === DASH) return 'done';
  const at = bytes.indexOf(CR);
  const padding = bytes.subarray(0, at < 0 ? bytes.length : at);
  if (padding.length > MAX_PADDING || (bytes.length > 1 && at !== 0 && !isBlank(padding)))
    throw badDelimiter();
  if (at < 0 || at + 1 === bytes.length) return undefined;
  if (bytes[at + 1] !== LF) throw badDelimiter();
  return 'headers';
}

const isBlank = (bytes) => bytes.every((byte) => byte === 32 || byte === 9);
const badDelimiter = () => new FormError('something other than a line break follows a boundary');

/** The needle begins with a byte that is rare in files, for which the engine looks by itself. */
function indexOf(bytes, needle) {
  const last = bytes.length - needle.length;
  for (let at = bytes.indexOf(CR); at >= 0 && at <= last; at = bytes.indexOf(CR, at + 1)) {
    let length = 1;
    while (length < needle.length && bytes[at + length] === needle[length]) length++;
    if (length === needle.length) return at;
  }
  return -1;
}

function partOf(bytes) {
  const headers = textOf(bytes);
  if (headers === undefined)
    throw new FormError(`a part's headers are longer than ${MAX_HEADER_BYTES} bytes or not text`);
  const [, disposition] = headers.match(/^content-disposition\s*:\s*(.*)$/im) ?? [];
  const parameters = disposition && /^form-data\b/i.test(disposition) ? parametersOf(disposition) : {};
  const { name, filename = parameters['filename*'] } = parameters;
  if (name === undefined) throw new FormError('a part has no Content-Disposition: form-data with a name');
  return { name, filename };
}

function parametersOf(header) {
  const found = {};
  for (const [, name, quoted, token] of header.matchAll(
    /;\s*([^=;\s]+)\s*=\s*(?:"((?:\\["\\]|[^"])*)"|([^;]*))/g,
  )) {
    found[name.toLowerCase()] ??= quoted?.replace(/\\(["\\])/g, '$1') ?? token.trim();
  }
  return found;
}

/** Undefined for what is not UTF-8. */
export function textOf(bytes) {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}
