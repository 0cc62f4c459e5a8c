// The checks of `POST /Run/{owner}/{model}`: what a Run must look like to become a task.
import { createHash } from 'node:crypto';
import { malformed } from './exchange.ts';
import type { FilePart, Form } from './form.ts';
import { imageType } from './image.ts';

const FIELDS = [
  'inputImageFirst',
  'inputImageFirstUrl',
  'prompt',
  'promptOptimizer',
  'resolution',
  'duration',
  'callbackUrl',
  'projectid',
];

const CHOICES: Record<string, string[]> = {
  promptOptimizer: ['true', 'false'],
  resolution: ['768P', '1080P'],
  duration: ['6', '10'],
};

export interface Image {
  sha256: string;
  size: number;
  /** By its bytes, whatever the part claimed. */
  contentType: string;
}

export interface Order {
  prompt: string;
  resolution: string;
  duration: string;
  callbackUrl: string;
  projectId: string | null;
  fields: Record<string, string>;
  image?: Image;
}

/** @throws ApiError with Wiro's code 0 for anything but a well-formed Run. */
export function checkRun(form: Form): Order {
  const { fields, fieldOrder, file } = form;
  const unknown = fieldOrder.find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw malformed(`Request parameter [${unknown}] is unknown`);
  for (const [name, value] of Object.entries(form.json ?? {})) {
    if (typeof value !== 'string') throw malformed(`Request parameter [${name}] must be a string`);
  }
  const prompt = fields.prompt ?? '';
  if (prompt.trim() === '') throw malformed('Request parameter [prompt] required');
  for (const [name, values] of Object.entries(CHOICES)) {
    const value = fields[name] ?? '';
    if (value === '') throw malformed(`Request parameter [${name}] required`);
    if (!values.includes(value))
      throw malformed(`Request parameter [${name}] must be one of ${values.join(', ')}`);
  }
  const { resolution = '', duration = '', callbackUrl = '', projectid } = fields;
  if (resolution === '1080P' && duration === '10') {
    throw malformed('Request parameter [duration] must be 6 with resolution 1080P');
  }
  if (callbackUrl !== '') checkUrl('callbackUrl', callbackUrl);
  const order: Order = { prompt, resolution, duration, callbackUrl, projectId: projectid || null, fields };
  checkImageFields(form);
  if (file) order.image = checkImage(file);
  return order;
}

function checkImageFields({ kind, fields, fieldOrder, file }: Form): void {
  const url = fields.inputImageFirstUrl ?? '';
  if (kind === 'multipart') {
    for (const name of ['inputImageFirst', 'inputImageFirstUrl']) {
      if (!fieldOrder.includes(name)) throw malformed(`Request parameter [${name}] required`);
    }
  }
  if (file && file.field !== 'inputImageFirst')
    throw malformed(`Request parameter [${file.field}] is no file`);
  if (fields.inputImageFirst) throw malformed('Request parameter [inputImageFirst] must be a file');
  if (file && url !== '') throw malformed('Send either inputImageFirst or inputImageFirstUrl, not both');
  if (url !== '') checkUrl('inputImageFirstUrl', url);
}

function checkImage({ bytes }: FilePart): Image {
  const contentType = imageType(bytes);
  if (!contentType)
    throw malformed('Request parameter [inputImageFirst] is no jpg, jpeg, png, webp, gif or heic');
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, contentType };
}

function checkUrl(name: string, value: string): void {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol)) throw malformed(`Request parameter [${name}] must be a URL`);
}
