// POST /v1/videos: validates the request, chooses the id, creates the video in its object and responds after the first
// Run was answered.
import { taskOf } from '../call-object.js';
import { clientOf } from '../clients.js';
import { isFinal, newRecord, shown } from '../pure/record.js';
import { readSmall } from '../streams.js';
import {
  ApiError,
  invalidParameter,
  invalidRequest,
  keyReused,
  payloadTooLarge,
  refusedParameters,
  unsupportedMediaType,
  upstreamUnavailable,
} from './errors.js';
import { validate } from './fields.js';
import { ImageForm, imageTooLarge, MAX_BODY_BYTES } from './image-form.js';
import { boundaryOf, textOf } from './multipart.js';
import { ASK_AGAIN } from './status.js';

const MAX_JSON_BYTES = 64 * 1024;
const ACCOUNT_RETRY_SECONDS = 300;

export async function submit(call) {
  const { request, env, settings, origin } = call;
  const owner = await clientOf(call);
  const keys = settings.signingKeys;
  // 1. Choose the id first, because an image is uploaded under it.
  const key = idempotencyKey(request);
  const id = await (key === null ? keys.mint(owner) : keys.mintFor(owner, key));
  // 2. Validate the whole request before anything is stored.
  const { input, form } = await read(request, env, id);
  // 3. The object creates the video and sends Run. It asks for the image only if the video is new.
  const task = taskOf(env, id);
  let reply = await task.accept({
    owner,
    record: newRecord(id, settings.model, input, Date.now()),
    callbackUrl: `${origin}/hooks/wiro/${id}/${await keys.callbackProof(id)}`,
    fingerprint: await fingerprint(input, form?.imageDigest),
  });
  if (reply.sendImage) {
    await form.store();
    reply = await task.imageStored();
  } else {
    await form?.discard();
  }
  // 4. Report a refusal.
  if (reply.isOtherRequest) throw keyReused();
  const { record, isReplay } = reply;
  if (record.error?.code === 'upstream_rejected') throw refusedParameters(record.error.message);
  if (record.error?.code === 'upstream_unavailable') throw upstreamUnavailable(ACCOUNT_RETRY_SECONDS);
  const video = await shown(call, owner, record);
  const headers = { ...(isFinal(record) ? {} : ASK_AGAIN), location: video.urls.self };
  if (isReplay) headers['idempotent-replayed'] = 'true';
  return Response.json(video, { status: 202, headers });
}

function idempotencyKey(request) {
  const key = request.headers.get('idempotency-key');
  if (key !== null && !/^[!-~]{1,255}$/.test(key)) {
    throw invalidParameter([
      { field: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' },
    ]);
  }
  return key;
}

async function read(request, env, id) {
  const contentType = request.headers.get('content-type') ?? '';
  switch (contentType.split(';')[0].trim().toLowerCase()) {
    case 'application/json':
      return { input: validate(await readJson(request)) };
    case 'multipart/form-data':
      return readForm(request, contentType, env, id);
    default:
      throw unsupportedMediaType('Send application/json or multipart/form-data.');
  }
}

async function readJson(request) {
  if (!request.body) throw invalidRequest('The body is empty.');
  const bytes = await readSmall(request, MAX_JSON_BYTES);
  if (!bytes) throw payloadTooLarge(`A JSON body has at most ${MAX_JSON_BYTES} bytes (64 KiB).`);
  const text = textOf(bytes);
  if (text === undefined) throw invalidRequest('The body is not a JSON object: it is not UTF-8.');
  try {
    const body = JSON.parse(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return Object.entries(body);
  } catch (error) {
    throw invalidRequest(`The body is not a JSON object: ${error.message}.`);
  }
  throw invalidRequest('The body is not a JSON object.');
}

async function readForm(request, contentType, env, id) {
  const boundary = boundaryOf(contentType);
  if (!boundary) throw invalidRequest('The Content-Type has no usable boundary parameter.');
  if (Number(request.headers.get('content-length')) > MAX_BODY_BYTES) throw imageTooLarge();
  if (!request.body) throw invalidRequest('The body is empty.');
  const form = await ImageForm.receive(request.body, boundary, env, id);
  try {
    return { input: validate(form.fields), form };
  } catch (error) {
    if (error instanceof ApiError) await form.discard();
    throw error;
  }
}

/** Equal for equal requests, however they were written. */
async function fingerprint(input, imageDigest) {
  const request = new TextEncoder().encode(JSON.stringify([input, imageDigest ?? null]));
  return new Uint8Array(await crypto.subtle.digest('SHA-256', request)).toHex();
}
