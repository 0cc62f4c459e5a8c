// Internal functions of client.js and ai-sdk.js: URLs, request bodies, validation of responses, event streams and pauses
// between attempts. Import one of those instead.

/** The format of ids. */
export const ID = /^vid_[a-z2-7]{40}$/;
const STATUSES = ['queued', 'in_progress', 'completed', 'failed', 'cancelled'];
const FIRST_EVENT_MS = 10_000;
/** More than two keep-alive intervals of the Worker. */
const SILENCE_MS = 40_000;
const MAX_PAUSE_MS = 15_000;
/** Limit for `Retry-After`, in seconds. */
const MAX_RETRY_AFTER = 60;

/** The URL of the Worker without a trailing slash. @param {string | undefined} base */
export function serverOf(base) {
  if (!base) {
    // In Node this file has no origin; in a page it may have one, or else the page has.
    const source = [import.meta.url, globalThis.location?.href].find((url) => /^https?:/.test(url ?? ''));
    if (source) return new URL(source).origin;
  }
  const url = URL.canParse(`${base}`) ? new URL(`${base}`) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || /[?#]/.test(`${base}`))
    throw new TypeError('`base` must be the URL of the Worker, such as https://videos.example.com');
  // OpenAI's SDKs use a base URL that ends with the version.
  return url.href.replace(/(\/v1)?\/*$/, '');
}

/** Whether the server refuses the origin of this page, which browsers do not report: a file for all origins can be read, but /health cannot. @param {string} server */
export async function isOriginRefused(server) {
  if (!globalThis.location || new URL(server).origin === location.origin) return false;
  const [open, listed] = await Promise.allSettled(
    ['/client.js', '/health'].map((path) => fetch(server + path, { method: 'HEAD', cache: 'no-store' })),
  );
  return open?.status === 'fulfilled' && open.value.ok && listed?.status === 'rejected';
}

/** The members that have a value and are not empty, as pairs of texts. @param {Record<string, string | number | null | undefined>} members */
export function given(members) {
  const pairs = Object.entries(members).map(([name, value]) => [name, `${value ?? ''}`]);
  return pairs.filter(([, value]) => value !== '');
}

/** Undefined if the text is not JSON. @param {string} text @returns {any} */
export function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {import('./client.js').VideoRequest} request @returns {{ body: string | FormData, type: Record<string, string> }} */
export function messageOf(request) {
  const fields = Object.entries(request).filter(([, value]) => value !== undefined && value !== null);
  if (!fields.some(([, value]) => value instanceof Blob))
    return { body: JSON.stringify(Object.fromEntries(fields)), type: { 'content-type': 'application/json' } };
  const body = new FormData();
  for (const [name, value] of fields) {
    if (value instanceof Blob) body.set(name, value);
    else if (typeof value !== 'object') body.set(name, `${value}`);
    else for (const [key, text] of Object.entries(value ?? {})) body.set(`${name}[${key}]`, `${text}`);
  }
  return { body, type: {} };
}

/** @param {import('./client.js').Challenge | undefined} challenge @returns {Promise<Record<string, string>>} */
export async function solved(challenge) {
  const token = typeof challenge === 'function' ? await challenge() : challenge;
  return token ? { 'turnstile-token': token } : {};
}

/** Whether a value has the fields of a Video, except the id. @param {any} value */
export function hasVideoFields(value) {
  const { status, stage, queue_position, progress, input, urls, error, warnings } = Object(value);
  const { content, download, thumbnail } = Object(urls);
  const { prompt, resolution, duration, inputImageFirstUrl } = Object(input);
  const areTexts = (/** @type {unknown[]} */ fields) => fields.every((field) => typeof field === 'string');
  const areNumbers = (/** @type {unknown[]} */ fields) => fields.every(Number.isFinite);
  return (
    STATUSES.includes(status) &&
    urls instanceof Object &&
    areTexts([stage, prompt, resolution ?? '', inputImageFirstUrl ?? '', content ?? '', download ?? '']) &&
    areTexts([thumbnail ?? '', value.cost_usd ?? '', ...(error ? [error.code, error.message] : [])]) &&
    areNumbers([progress, value.created_at, duration ?? 0, queue_position ?? 0]) &&
    areNumbers([value.started_at ?? 0, value.completed_at ?? 0, value.expires_at ?? 0]) &&
    (warnings === undefined || (Array.isArray(warnings) && areTexts(warnings)))
  );
}

/** Reads a problem document. All of its members may be missing or have wrong types. @param {unknown} value */
export function problemOf(value) {
  const { code, detail, request_id, errors } = Object(value);
  const text = (/** @type {unknown} */ field) => (typeof field === 'string' ? field : undefined);
  const list = Array.isArray(errors) ? errors.filter((one) => text(one?.field) && text(one.message)) : [];
  return { code: text(code), detail: text(detail), request_id: text(request_id), errors: list };
}

/** A timer whose signal aborts after a long silence, or when the device goes offline. */
export function startSilenceTimer() {
  const silent = new AbortController();
  const abort = () => silent.abort();
  globalThis.addEventListener?.('offline', abort);
  let timer = setTimeout(abort, FIRST_EVENT_MS);
  return {
    signal: silent.signal,
    restart() {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
    },
    stop() {
      clearTimeout(timer);
      globalThis.removeEventListener?.('offline', abort);
      abort();
    },
  };
}

/**
 * Parses the events of a stream.
 * @param {() => Promise<{ done: boolean, value?: Uint8Array<ArrayBuffer> | undefined }>} read  returns the next chunk
 */
export async function* eventsOf(read) {
  const decoder = new TextDecoder();
  let text = '';
  let isAfterCr = false;
  for (;;) {
    const { done, value } = await read();
    if (done) return;
    // Lines end with CR LF, LF or CR and with no other character. CR LF may be split between chunks.
    const chunk = decoder.decode(value, { stream: true });
    text += (isAfterCr ? chunk.replace(/^\n/, '') : chunk).replace(/\r\n?/g, '\n');
    isAfterCr = chunk === '' ? isAfterCr : chunk.endsWith('\r');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event) yield event;
    }
  }
}

/** @param {string} block */
function eventOf(block) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(\w+)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name) fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
  }
  if (fields.data === undefined) return undefined;
  // An id is sent back in a header, so only numbers are accepted.
  const id = /^\d+$/.test(fields.id ?? '') ? `${fields.id}` : '';
  return { event: fields.event ?? 'message', id, data: fields.data };
}

/**
 * Waits longer after each failure. The wait ends early when the device is online again or the page becomes visible.
 * @param {number} failures @param {AbortSignal | undefined} signal @param {number | undefined} retryAfter  seconds
 */
export async function pause(failures, signal, retryAfter = 0) {
  signal?.throwIfAborted();
  const longest = Math.min(MAX_PAUSE_MS, 500 * 2 ** failures);
  const over = new AbortController();
  const until = { signal: over.signal };
  await new Promise((resolve) => {
    const timer = setTimeout(
      resolve,
      Math.max(Math.min(retryAfter, MAX_RETRY_AFTER) * 1000, longest * (0.5 + Math.random() / 2)),
    );
    until.signal.addEventListener('abort', () => clearTimeout(timer));
    signal?.addEventListener('abort', resolve, until);
    globalThis.addEventListener?.('online', resolve, until);
    globalThis.document?.addEventListener('visibilitychange', resolve, until);
  });
  over.abort();
  signal?.throwIfAborted();
}
