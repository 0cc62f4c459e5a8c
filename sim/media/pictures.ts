// Reads the images of a Run from its fields, by the generation of the model.
import { createHash } from 'node:crypto';
import { malformed } from '../endpoints/exchange.ts';
import type { FilePart, Form } from '../endpoints/form.ts';
import type { Model } from '../models.ts';
import type { Image, Picture, Pictures } from '../order.ts';
import type { Frame, Generation, PictureParameter } from '../parameters.ts';
import { imageType } from './image.ts';

/** @param strict whether the fields have to be sent as Wiro's documentation says, the empty ones too */
export function readPictures(form: Form, { generation, pictures }: Model, strict: boolean): Pictures {
  const read: Pictures = {};
  for (const frame of ['first', 'last'] as const) {
    const parameter = pictures[frame];
    if (!parameter) continue;
    if (strict) checkPair(form, frame, parameter, generation);
    const picture = readPicture(form, parameter, generation);
    if (picture) read[frame] = picture;
    else if (parameter.required) throw malformed(`Request files [${parameter.id}] required`);
  }
  return read;
}

function readPicture(form: Form, parameter: PictureParameter, generation: Generation): Picture | undefined {
  const { id, urlId } = parameter;
  const file = form.files.find(({ field }) => field === id);
  const url = urlId === undefined ? '' : (form.fields[urlId] ?? '');
  const direct = directUrl(form, id);
  if (generation === 'seed' && direct) throw malformed(`Request parameter [${id}] must be a file`);
  if (Number(file !== undefined) + Number(url !== '') + Number(direct !== '') > 1)
    throw malformed(`Send either ${id} or ${urlId ?? 'a URL'}, not both`);
  if (file) return { file: checkImage(file), filename: file.filename };
  if (url !== '') return { url: checkUrl(urlId ?? id, url) };
  if (direct !== '') return { url: checkUrl(id, direct) };
  return undefined;
}

/** What stands under the id itself: a text, or in JSON a list with at most one. */
function directUrl({ fields, json }: Form, id: string): string {
  const value = json?.[id];
  if (!Array.isArray(value)) return fields[id] ?? '';
  // Guess: what Wiro does with more than one is not documented.
  if (value.length > 1) throw malformed(`Request parameter [${id}] takes one file`);
  const [entry = ''] = value;
  if (typeof entry !== 'string') throw malformed(`Request parameter [${id}] must be a list of strings`);
  return entry;
}

/**
 * In multipart a file's field and its URL's are both sent, one of them empty; only a `fileinput` takes a URL in the
 * file's own field alone. A last frame may be left out.
 */
function checkPair(
  { kind, fields, fieldOrder }: Form,
  frame: Frame,
  parameter: PictureParameter,
  generation: Generation,
): void {
  const { id, urlId } = parameter;
  if (kind !== 'multipart' || urlId === undefined) return;
  if (generation === 'fileinput' && fields[id]) return;
  const names = [id, urlId];
  if (frame === 'last' && !names.some((name) => fieldOrder.includes(name))) return;
  const missing = names.find((name) => !fieldOrder.includes(name));
  if (missing !== undefined) throw malformed(`Request parameter [${missing}] required`);
}

function checkImage({ field, bytes }: FilePart): Image {
  const contentType = imageType(bytes);
  if (!contentType) throw malformed(`Request parameter [${field}] is no jpg, jpeg, png, webp, gif or heic`);
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, contentType };
}

export function checkUrl(name: string, value: string): string {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol)) throw malformed(`Request parameter [${name}] must be a URL`);
  return value;
}
