// Signed calls to Wiro, and what its answers mean.

import { log } from './log.js';
import { hmac } from './pure/hmac.js';
import { extensionOf } from './pure/image-type.js';
import { readSmall } from './streams.js';
import { inputKey } from './videos.js';

const RUN_MS = 120_000;
const CALL_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const utf8 = new TextEncoder();

/** Sends Run, once: `{ job }`, `{ retryAfterMs }` when it is known not to have started, `{ refusal }`, or `{}`: unknown. */
export async function run(env, settings, { record, callbackUrl }) {
  const image = record.input.inputImageFirst && (await env.VIDEOS.get(inputKey(record.id)));
  const boundary = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const [head, tail] = runForm(boundary, record.input, callbackUrl);
  const body = image ? around(image, head, tail) : head + tail;
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  try {
    return runOutcome(
      record.id,
      await exchange(settings, `/Run/${settings.modelPath}`, headers, body, RUN_MS),
    );
  } catch (error) {
    log.error("Run's answer was lost", { 'video.id': record.id, reason: String(error) });
    return {};
  }
}

/** How the job stands: `{ status }`, `{ source, cost }`, `{ failed: true, cost }`, `{ cancelled: true, cost }`, or `{}`. */
export async function check(settings, id, { taskId, token }) {
  try {
    const { status, body } = await call(
      settings,
      '/Task/Detail',
      token ? { tasktoken: token } : { taskid: taskId },
    );
    const task = status === 200 && isTrue(body?.result) && body.tasklist?.[0];
    if (!task?.status) throw new Error(`HTTP ${status}, no task`);
    return observation(task);
  } catch (error) {
    log.warn('the check failed', { 'video.id': id, reason: String(error) });
    return {};
  }
}

/** The job that carries this callback URL, where a callback pointed or in the list of jobs. */
export async function search(settings, { record, callbackUrl, phase: { hint } }) {
  const ask = async (path, body) => (await call(settings, path, body)).body?.tasklist ?? [];
  try {
    if (hint) {
      const [row] = await ask(
        '/Task/Detail',
        hint.token ? { tasktoken: hint.token } : { taskid: hint.taskId },
      );
      if (row && (!row.callbackurl || row.callbackurl === callbackUrl)) return jobOf(row);
    }
    const page = { type: 'model', sort: 'id', order: 'DESC', start: '0', limit: '50' };
    const row = (await ask('/Task/List', page)).find(({ callbackurl }) => callbackurl === callbackUrl);
    return row && jobOf(row);
  } catch (error) {
    log.warn('the search failed', { 'video.id': record.id, reason: String(error) });
    return undefined;
  }
}

const jobOf = ({ id, socketaccesstoken }) => ({ taskId: `${id}`, token: socketaccesstoken || undefined });

const call = (settings, path, body) =>
  exchange(settings, path, { 'content-type': 'application/json' }, JSON.stringify(body), CALL_MS);

async function exchange({ apiUrl, apiKey, apiSecret, signatureKey }, path, headers, body, ms) {
  const signed = { ...headers, 'x-api-key': apiKey };
  if (apiSecret) {
    const nonce = `${crypto.getRandomValues(new BigUint64Array(1))[0] >> 11n}`;
    signed['x-nonce'] = nonce;
    signed['x-signature'] = (await hmac(signatureKey, utf8.encode(apiSecret + nonce))).toHex();
  }
  const init = { method: 'POST', headers: signed, body, redirect: 'manual', signal: AbortSignal.timeout(ms) };
  const response = await fetch(apiUrl + path, init);
  const bytes = await readSmall(response, MAX_ANSWER_BYTES);
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: parsed(bytes) };
}

function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** The fields in the order of Wiro's own sample, before and behind the image's bytes. */
function runForm(boundary, input, callbackUrl) {
  const field = (name, value) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const image = input.inputImageFirst;
  const head = image
    ? `--${boundary}\r\nContent-Disposition: form-data; name="inputImageFirst"; ` +
      `filename="image.${extensionOf(image.content_type)}"\r\nContent-Type: ${image.content_type}\r\n\r\n`
    : field('inputImageFirst', '');
  const tail =
    (image ? '\r\n' : '') +
    field('inputImageFirstUrl', input.inputImageFirstUrl ?? '') +
    field('prompt', input.prompt) +
    field('promptOptimizer', input.promptOptimizer) +
    field('resolution', input.resolution) +
    field('duration', input.duration) +
    field('callbackUrl', callbackUrl);
  return [head, `${tail}--${boundary}--\r\n`];
}

/** The image streamed between the form's head and tail. */
function around(image, head, tail) {
  const [first, last] = [utf8.encode(head), utf8.encode(tail)];
  const { readable, writable } = new FixedLengthStream(first.length + image.size + last.length);
  const pump = async () => {
    const start = writable.getWriter();
    await start.write(first);
    start.releaseLock();
    await image.body.pipeTo(writable, { preventClose: true });
    const end = writable.getWriter();
    await end.write(last);
    await end.close();
  };
  // Why the reading end takes no more is for the answer to say.
  pump().catch(() => {});
  return readable;
}

function runOutcome(id, { status, retryAfter, body }) {
  const retryAfterMs = Number(retryAfter) * 1000 || 0;
  if (status === 429) return { retryAfterMs };
  if (status === 401) return refusedAccount(id, 'HTTP 401');
  if (status !== 200 || body?.result === undefined) return {};
  if (isTrue(body.result)) {
    const { taskid, socketaccesstoken } = body;
    return taskid ? { job: { taskId: `${taskid}`, token: socketaccesstoken || undefined } } : {};
  }
  const { code, message = `${body.errors?.[0] ?? ''}` } = Object(body.errors?.[0]);
  if (Number(code) === 96) return { retryAfterMs };
  if ([1, 97, 98, 99].includes(Number(code))) return refusedAccount(id, `code ${code}: ${message}`);
  if (!/request parameter/i.test(message)) return {};
  return { refusal: { code: 'upstream_rejected', message: message.slice(0, 300) } };
}

function refusedAccount(id, reason) {
  log.error('Wiro refuses the account: check its key, secret and balance', { 'video.id': id, reason });
  return { refusal: { code: 'upstream_unavailable', message: 'Videos cannot be made at the moment.' } };
}

function observation({ status, pexit, outputs, totalcost, debugerror }) {
  const cost = decimal(totalcost);
  if (status === 'task_cancel') return { cancelled: true, cost };
  if (status !== 'task_postprocess_end') return { status: printable(`${status}`) };
  const [output] = outputs ?? [];
  if (!/^0[.0]*$/.test(`${pexit ?? ''}`) || !output?.url)
    return { failed: true, cost, reason: lastWords(debugerror) };
  const size = /^\d+$/.test(`${output.size}`) ? Number(output.size) : undefined;
  return { source: { url: output.url, size }, cost };
}

const isTrue = (flag) => `${flag}` === 'true';

const printable = (status) => status.replace(/[^\w-]/g, '').slice(0, 40) || 'unknown';

/** A decimal amount without the zeros that Wiro appends; null for what is none. */
function decimal(amount) {
  const [, whole, fraction = ''] = `${amount ?? ''}`.match(/^(\d{1,18})(?:\.(\d{0,18}))?$/) ?? [];
  return whole === undefined ? null : `${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`;
}

/** What a failed run wrote, in one line. The stand-in writes nothing that would have to be left out. */
function lastWords(written) {
  const lines = (written ?? '').split('\n').filter((line) => /[\p{L}\p{N}]/u.test(line));
  return lines.map((line) => line.trim()).join(' ');
}
