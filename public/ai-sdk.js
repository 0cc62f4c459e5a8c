// A provider for Vercel's AI SDK (npm's `ai`, from version 7), without dependencies. Copy it into your app together with
// ai-sdk-wire.js, client.js and client-wire.js, and ai-sdk.d.ts and client.d.ts for TypeScript:
//
//   import { experimental_generateVideo as generateVideo } from 'ai';
//   import { createHailuo } from './ai-sdk.js';
//   const hailuo = createHailuo({ baseURL: 'https://videos.example.com' });
//   const { video } = await generateVideo({ model: hailuo.video('hailuo-2.3'), prompt: 'A paper boat on a river' });

import {
  abortable,
  Connection,
  HailuoError,
  isLocal,
  isLost,
  markAsAiSdkError,
  patiently,
  settledWithin,
} from './ai-sdk-wire.js';
import { isFinal, isId, newKey } from './client.js';
import { messageOf, pause, serverOf } from './client-wire.js';

/** @typedef {import('./client.js').Video} Video */
/** @import { Answer, Call } from './ai-sdk-wire.js' */
/** @typedef {Parameters<typeof import('ai').experimental_generateVideo>[0]['model']} VideoModel */
/** @typedef {Extract<VideoModel, { specificationVersion: 'v4' }>} VideoModelV4 */
/** @typedef {Parameters<NonNullable<VideoModelV4['doGenerate']>>[0]} CallOptions */
/** @typedef {Awaited<ReturnType<NonNullable<VideoModelV4['doGenerate']>>>} GenerateResult */
/** @typedef {Awaited<ReturnType<NonNullable<VideoModelV4['doStart']>>>} StartResult */
/** @typedef {Parameters<NonNullable<VideoModelV4['doStatus']>>[0]} StatusOptions */
/** @typedef {Awaited<ReturnType<NonNullable<VideoModelV4['doStatus']>>>} StatusResult */
/** @typedef {GenerateResult['warnings'][number]} Warning */

/**
 * @typedef {object} HailuoSettings
 * @property {string | undefined} [baseURL]  where the Worker is, such as `https://videos.example.com`
 * @property {string | undefined} [token]  a client token, when the Worker wants one
 * @property {Record<string, string | undefined> | undefined} [headers]  of every request
 * @property {typeof fetch | undefined} [fetch]  in place of the global one
 */

/**
 * What `providerOptions.hailuo` takes: any field of `POST /v1/videos`, such as these.
 * @typedef {object} HailuoVideoOptions
 * @property {boolean} [promptOptimizer]  default true
 * @property {string} [resolution]  by its name, such as `1080P`
 * @property {Record<string, string>} [metadata]  your own, stored with the video
 */

/**
 * @typedef {object} HailuoProvider
 * @property {'v4'} specificationVersion
 * @property {(modelId: string) => VideoModelV4} video  a model by its name in `GET /v1/models`, such as `hailuo-2.3`
 * @property {(modelId: string) => VideoModelV4} videoModel  the same, as the SDK's registry of providers calls it
 * @property {(modelId: string) => never} languageModel
 * @property {(modelId: string) => never} embeddingModel
 * @property {(modelId: string) => never} imageModel
 */

/** How long a submit without an answer is retried, with the same key. */
const SUBMIT_PATIENCE_MS = 60_000;
/** Enough for two pictures over a slow connection. */
const SUBMIT_TIMEOUT_MS = 300_000;
/** How long the Worker may hold its answer about a video that has not ended. */
const WAIT_SECONDS = 30;
/** How long an aborted call waits for the answer to its cancellation. */
const CANCEL_WAIT_MS = 5_000;

/** @param {HailuoSettings} [settings] @returns {HailuoProvider} */
export function createHailuo(settings = {}) {
  const connection = new Connection(serverAt(settings.baseURL), settings);
  const video = (/** @type {string} */ modelId) => new HailuoVideoModel(modelId, connection);
  return {
    specificationVersion: 'v4',
    video,
    videoModel: video,
    languageModel: noModel('languageModel'),
    embeddingModel: noModel('embeddingModel'),
    imageModel: noModel('imageModel'),
  };
}

/** @param {string | undefined} baseURL */
function serverAt(baseURL) {
  try {
    return serverOf(baseURL);
  } catch (cause) {
    const message = '`baseURL` must say where the Worker is, such as https://videos.example.com';
    throw new TypeError(message, { cause });
  }
}

/** @param {string} modelType @returns {(modelId: string) => never} */
function noModel(modelType) {
  return (modelId) => {
    const error = new Error(`There is no ${modelType} ${modelId}: this provider has video models only.`);
    markAsAiSdkError(error, 'AI_NoSuchModelError');
    throw Object.assign(error, { modelId, modelType });
  };
}

/** @implements {VideoModelV4} */
class HailuoVideoModel {
  specificationVersion = /** @type {const} */ ('v4');
  provider = 'hailuo.video';
  maxVideosPerCall = 1;
  #connection;

  /** @param {string} modelId @param {Connection} connection */
  constructor(modelId, connection) {
    this.modelId = modelId;
    this.#connection = connection;
  }

  /**
   * Makes a video and waits for its end. `abortSignal` cancels the video.
   * @param {CallOptions} options @returns {Promise<GenerateResult>}
   */
  async doGenerate(options) {
    const timestamp = new Date();
    const { request, warnings } = requestOf(this.modelId, options);
    const call = callOf(options);
    const { video, headers } = await this.#submitted(request, options, async (answer) => {
      const ended = await this.#untilEnded(answer, call);
      if (ended.video.status !== 'completed') throw this.#failure(ended.video);
      return ended;
    });
    return {
      videos: [await this.#file(video, call)],
      warnings: [...warnings, ...resolutionWarnings(video, options), ...workerWarnings(video)],
      providerMetadata: metadataOf(video),
      response: { timestamp, modelId: this.modelId, headers },
    };
  }

  /**
   * Submits a video, for the SDK's `startVideo` and its option `poll`. `abortSignal` cancels it as long as the submit runs.
   * @param {CallOptions} options @returns {Promise<StartResult>}
   */
  async doStart(options) {
    const timestamp = new Date();
    const { request, warnings } = requestOf(this.modelId, options);
    const { video, headers } = await this.#submitted(request, options, async (answer) => answer);
    const response = { timestamp, modelId: this.modelId, headers };
    return { operation: { id: video.id }, warnings, providerMetadata: metadataOf(video), response };
  }

  /** How a video of `doStart` stands. @param {StatusOptions} options @returns {Promise<StatusResult>} */
  async doStatus(options) {
    const timestamp = new Date();
    const call = callOf(options);
    const { id } = Object(options.operation);
    if (!isId(id)) throw new TypeError('`operation` must be what `startVideo` gave');
    const { video, headers } = await this.#get(id, {}, call);
    const providerMetadata = metadataOf(video);
    const response = { timestamp, modelId: this.modelId, headers };
    if (!isFinal(video)) return { status: 'pending', providerMetadata, response };
    if (video.status === 'completed') {
      const videos = [await this.#file(video, call)];
      return { status: 'completed', videos, warnings: workerWarnings(video), providerMetadata, response };
    }
    const { code, message } = reasonOf(video);
    return { status: 'error', error: `${message} (${code})`, providerMetadata, response };
  }

  /**
   * Submits, and goes on with the answer. When the call is aborted meanwhile, cancels the video. Only the answer to the
   * submit has the id, so an abort does not break off the submit.
   * @param {Record<string, unknown>} request @param {CallOptions} options @param {(answer: Answer) => Promise<Answer>} goOn
   */
  async #submitted(request, options, goOn) {
    const { abortSignal, headers } = options;
    abortSignal?.throwIfAborted();
    const { body, type } = messageOf(/** @type {any} */ (request));
    const { key, release } = takeKey(options);
    const message = { method: 'POST', body, headers: { ...type, 'idempotency-key': key } };
    const submit = () => this.#connection.video('/v1/videos', message, { headers }, SUBMIT_TIMEOUT_MS);
    const submitted = patiently(submit, { patienceMs: SUBMIT_PATIENCE_MS, mayTryAgain: isLost });
    try {
      return await goOn(await abortable(submitted, abortSignal));
    } catch (error) {
      if (abortSignal?.aborted) await settledWithin(this.#cancel(submitted, headers), CANCEL_WAIT_MS);
      else if (error instanceof HailuoError) Object.assign(error, { key, requestBodyValues: request });
      throw error;
    } finally {
      release();
    }
  }

  /** @param {Promise<Answer>} submitted @param {CallOptions['headers']} headers */
  async #cancel(submitted, headers) {
    const { id } = (await submitted).video;
    await patiently(() => this.#connection.video(`/v1/videos/${id}/cancel`, { method: 'POST' }, { headers }));
  }

  /** @param {Answer} answer @param {Call} call */
  async #untilEnded(answer, call) {
    for (let latest = answer; ; ) {
      if (isFinal(latest.video)) return latest;
      latest = await this.#get(latest.video.id, { prefer: `wait=${WAIT_SECONDS}` }, call);
      // Without this header the answer was not held: a proxy dropped `Prefer`.
      if (!isFinal(latest.video) && !latest.headers['preference-applied']) await pause(3, call.signal);
    }
  }

  /** @param {string} id @param {Record<string, string>} headers @param {Call} call */
  #get(id, headers, call) {
    const get = () => this.#connection.video(`/v1/videos/${id}`, { headers }, call);
    return patiently(get, { signal: call.signal });
  }

  /**
   * The link of a video, which the SDK downloads; or its bytes, where the SDK refuses the host.
   * @param {Video} video @param {Call} call @returns {Promise<GenerateResult['videos'][number]>}
   */
  async #file(video, call) {
    const mediaType = video.output?.content_type ?? 'video/mp4';
    const url = video.urls.content ?? `${this.#connection.server}/v1/videos/${video.id}/content`;
    if (!isLocal(url)) return { type: 'url', url, mediaType };
    const data = await patiently(() => this.#connection.file(url, call), { signal: call.signal });
    return { type: 'binary', data, mediaType };
  }

  /** @param {Video} video */
  #failure(video) {
    const { code, message } = reasonOf(video);
    const url = `${this.#connection.server}/v1/videos/${video.id}`;
    return new HailuoError(200, { code, detail: message }, { url, video, data: { code, message } });
  }
}

/** @param {Pick<CallOptions, 'headers' | 'abortSignal'>} options @returns {Call} */
function callOf({ headers, abortSignal }) {
  return { headers, signal: abortSignal };
}

/** The key of each call: when the SDK retries a call, the options are the same object. @type {WeakMap<object, string>} */
const keys = new WeakMap();
/**
 * How many calls with the same headers object are under way: one `generateVideo` makes `n` calls.
 * @type {WeakMap<object, number>}
 */
const underWay = new WeakMap();

/**
 * The idempotency key of a submit: the caller's, or a new one; a retry of the SDK has the same. When the caller wants several
 * videos with one key, the second and later ones add their number to it.
 * @param {CallOptions} options
 */
function takeKey(options) {
  const { headers = {} } = options;
  const index = underWay.get(headers) ?? 0;
  underWay.set(headers, index + 1);
  const given = Object.entries(headers).find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1];
  const numbered = given && index > 0 ? `${given}-${index + 1}` : given;
  const key = keys.get(options) ?? (numbered || newKey());
  keys.set(options, key);
  return { key, release: () => underWay.set(headers, (underWay.get(headers) ?? 1) - 1) };
}

/**
 * The fields of the submit, and a warning for each option that the model does not have.
 * @param {string} model @param {CallOptions} options
 */
function requestOf(model, options) {
  const { prompt, duration, aspectRatio, frameImages = [], inputReferences = [] } = options;
  const frame = (/** @type {string} */ type) =>
    frameImages.find(({ frameType }) => frameType === type)?.image;
  const first = frame('first_frame') ?? options.image;
  // The Worker refuses a field that it does not know.
  const request = {
    ...{ model, prompt, duration, size: options.resolution },
    ...pictureFields('inputImageFirst', first),
    ...pictureFields('inputImageLast', frame('last_frame')),
    ...options.providerOptions.hailuo,
  };
  const isOtherShape = aspectRatio !== undefined && aspectRatio !== (first ? 'adaptive' : '16:9');
  /** @type {[isIgnored: boolean, feature: string, details: string][]} */
  const features = [
    [options.n > 1, 'n', 'One call makes one video: leave maxVideosPerCall to the model.'],
    [isOtherShape, 'aspectRatio', 'A video has the shape of its first frame, and is 16:9 without one.'],
    [options.fps !== undefined, 'fps', 'The model decides it.'],
    [options.seed !== undefined, 'seed', 'The model takes none.'],
    [options.generateAudio === true, 'generateAudio', 'The model makes no sound.'],
    [inputReferences.length > 0, 'inputReferences', 'The model takes a first frame, some models a last one.'],
  ];
  const ignored = features.filter(([isIgnored]) => isIgnored);
  /** @type {Warning[]} */
  const warnings = ignored.map(([, feature, details]) => ({ type: 'unsupported', feature, details }));
  return { request, warnings };
}

/** @param {string} name @param {CallOptions['image']} file @returns {Record<string, string | Blob>} */
function pictureFields(name, file) {
  if (!file) return {};
  if (file.type === 'url') return { [`${name}Url`]: file.url };
  const { data, mediaType: type } = file;
  const bytes = typeof data === 'string' ? Array.from(atob(data), (char) => char.charCodeAt(0)) : data;
  return { [name]: new Blob([new Uint8Array(bytes)], { type }) };
}

/** @param {Video & { size?: unknown }} video @param {CallOptions} options @returns {Warning[]} */
function resolutionWarnings({ size }, { resolution }) {
  if (resolution === undefined || typeof size !== 'string' || size === resolution) return [];
  return [{ type: 'compatibility', feature: 'resolution', details: `The video is ${size}.` }];
}

/** @param {Video} video @returns {Warning[]} */
function workerWarnings({ warnings = [] }) {
  return warnings.map((code) => ({ type: 'other', message: `The Worker warns: ${code}` }));
}

/** @param {Video} video @returns {NonNullable<GenerateResult['providerMetadata']>} */
function metadataOf({ id, model, status, created_at, completed_at, expires_at, cost_usd, output, urls }) {
  const facts = {
    id,
    model,
    status,
    created_at,
    completed_at,
    expires_at,
    cost_usd,
    output,
    url: urls.content,
  };
  // The SDK concatenates the `videos` of several calls. Of other members it keeps those of the last call.
  return { hailuo: { ...facts, videos: [facts] } };
}

/** Why a video ended without being completed. @param {Video} video */
function reasonOf({ error }) {
  return error ?? { code: 'cancelled', message: 'The video was cancelled.' };
}
