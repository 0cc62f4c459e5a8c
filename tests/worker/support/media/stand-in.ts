// A stand-in for Cloudflare's Media Transformations, bound as MEDIA: a Worker with the methods that Cloudflare documents
// (input, transform, output, response, media, contentType), which this process answers.
// https://developers.cloudflare.com/stream/transform-videos/bindings/
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Response as MiniflareResponse, type Request } from 'miniflare';
import { root } from '../settings.ts';
import { sha256 } from '../stored.ts';

/** The frame of the stand-in's default video after a second. */
export const sampleFrame: Buffer = readFileSync(join(root, 'tests/worker/support/media/sample-frame.jpg'));

/** What one transformation was asked for. */
export interface Transformation {
  /** Of the input. */
  sha256: string;
  transform: { width?: number; height?: number; fit?: string };
  output: { mode?: string; time?: string; format?: string };
}

/** What a transformation returns; an error is thrown by the binding. */
export type Outcome =
  | { error: string; code: number }
  | { status?: number; contentType?: string; body?: Uint8Array };

export class MediaStandIn {
  /** All transformations so far. */
  readonly calls: Transformation[] = [];
  /** Called for each transformation, after its input was read. */
  answer: (call: Transformation) => Outcome | Promise<Outcome> = () => ({});

  /** The options of a Worker in Miniflare. */
  readonly worker = {
    name: 'media',
    modules: [{ type: 'ESModule' as const, path: 'media.js', contents: SOURCE }],
    compatibilityDate: '2026-11-01',
    serviceBindings: { TEST: (request: Request) => this.#transform(request) },
  };
  /** The binding to that Worker. */
  readonly binding = { MEDIA: { name: 'media', entrypoint: 'Media' } };

  async #transform(request: Request): Promise<MiniflareResponse> {
    const options = JSON.parse(request.headers.get('x-options') ?? '{}') as Omit<Transformation, 'sha256'>;
    const call = { sha256: sha256(new Uint8Array(await request.arrayBuffer())), ...options };
    this.calls.push(call);
    const outcome = await this.answer(call);
    if ('error' in outcome) return MiniflareResponse.json(outcome, { status: 555 });
    const { status = 200, contentType = 'image/jpeg', body = sampleFrame } = outcome;
    return new MiniflareResponse(body, { status, headers: { 'content-type': contentType } });
  }
}

const SOURCE = `
import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';

const failed = (code, message) => Object.assign(new Error(message), { name: 'MediaError', code });

function checkSides({ width, height, fit }) {
  for (const side of [width, height])
    if (side !== undefined && !(side >= 10 && side <= 2000)) throw failed(9401, 'a side must be 10 to 2000 pixels');
  if (!['contain', 'cover', 'scale-down', undefined].includes(fit)) throw failed(9401, 'no such fit');
}

function checkOutput({ mode, time = '0s', format }) {
  if (!['video', 'spritesheet', 'frame', 'audio'].includes(mode)) throw failed(9401, 'no such mode');
  if (!/^[0-9]+[sm]$/.test(time)) throw failed(9401, 'not a time');
  if (mode === 'frame' && !['jpg', 'png', undefined].includes(format)) throw failed(9401, 'no such format');
}

class Result extends RpcTarget {
  #made;
  constructor(made) {
    super();
    this.#made = made;
    made.catch(() => {});
  }
  async response() { return this.#made; }
  async media() { return (await this.#made).body; }
  async contentType() { return (await this.#made).headers.get('content-type'); }
}

class Generator extends RpcTarget {
  #test; #video; #transform;
  constructor(test, video, transform) {
    super();
    this.#test = test;
    this.#video = video;
    this.#transform = transform;
  }
  output(output = {}) {
    checkOutput(output);
    return new Result(this.#run(output));
  }
  async #run(output) {
    const headers = { 'x-options': JSON.stringify({ transform: this.#transform, output }) };
    const made = await this.#test.fetch('http://test/', { method: 'POST', headers, body: this.#video });
    if (made.status !== 555) return made;
    const { code, error } = await made.json();
    throw failed(code, error);
  }
}

class Transformer extends Generator {
  #make;
  constructor(test, video) {
    super(test, video, {});
    this.#make = (transform) => new Generator(test, video, transform);
  }
  transform(transform = {}) {
    checkSides(transform);
    return this.#make(transform);
  }
}

export class Media extends WorkerEntrypoint {
  input(video) {
    if (!(video instanceof ReadableStream)) throw failed(9402, 'the input must be a stream');
    return new Transformer(this.env.TEST, video);
  }
}

export default {};
`;
