// The checks of `POST /Run/{owner}/{project}` before a task is created.

import { checkUrl, readPictures } from '../media/pictures.ts';
import type { Model } from '../models.ts';
import type { Order, Pictures } from '../order.ts';
import type { ParameterItem } from '../parameters.ts';
import { ApiError, malformed } from './exchange.ts';
import type { Form } from './form.ts';

/**
 * @throws ApiError with Wiro's code 0 for anything but a well-formed Run. Whoever used a name that the model had until
 * its options were changed is refused as anybody, but is not to blame.
 */
export function checkRun(form: Form, model: Model, ignoresUnknownFields: boolean): Order {
  try {
    return check(form, model, ignoresUnknownFields);
  } catch (error) {
    const isOld = (name: string) => model.formerFields.has(name) && !model.fields.includes(name);
    if (!(error instanceof ApiError) || !form.fieldOrder.some(isOld)) throw error;
    throw new ApiError(error.errors, { status: error.status });
  }
}

function check(sent: Form, model: Model, ignoresUnknownFields: boolean): Order {
  const form = ignoresUnknownFields ? withOnly(sent, model.fields) : sent;
  const { fields, fieldOrder, json = {} } = form;
  // Guess: how Wiro refuses a field that it does not know, or whether it does.
  const unknown = fieldOrder.find((name) => !model.fields.includes(name));
  if (unknown !== undefined) throw malformed(`Request parameter [${unknown}] is unknown`);
  for (const [name, value] of Object.entries(json)) {
    const isList = Array.isArray(value) && takesList(model, name);
    if (typeof value !== 'string' && !isList) throw malformed(`Request parameter [${name}] must be a string`);
  }
  for (const item of model.values) checkValue(item, fields[item.id] ?? '');
  const { prompt = '', resolution, duration, callbackUrl = '', projectid } = fields;
  if (resolution === '1080P' && duration === '10') {
    throw malformed('Request parameter [duration] must be 6 with resolution 1080P');
  }
  if (callbackUrl !== '') checkUrl('callbackUrl', callbackUrl);
  for (const { field } of form.files) {
    if (!takesFile(model, field)) throw malformed(`Request parameter [${field}] is no file`);
  }
  const pictures = readPictures(form, model, !ignoresUnknownFields);
  const understood = parametersOf(form, model, pictures);
  const { fields: all } = sent;
  return { model, prompt, callbackUrl, projectId: projectid || null, fields: all, pictures, understood };
}

/** Guess: the text for a value that is none of the options. */
function checkValue({ id, type, required, options }: ParameterItem, value: string): void {
  if (isFileType(type)) return;
  if (required && value.trim() === '') throw malformed(`Request parameter [${id}] required`);
  if (value === '') return;
  if (options.length > 0 && !options.some((option) => option.value === value)) {
    const values = options.map((option) => option.value);
    throw malformed(`Request parameter [${id}] must be one of ${values.join(', ')}`);
  }
  if (type === 'number' && !Number.isFinite(Number(value)))
    throw malformed(`Request parameter [${id}] must be integer or float`);
}

function takesFile({ items }: Model, name: string): boolean {
  return items.some(({ id, type }) => id === name && isFileType(type));
}

function takesList({ items }: Model, name: string): boolean {
  return items.some(({ id, type }) => id === name && type === 'combinefileinput');
}

function isFileType(type: string): boolean {
  return type.endsWith('fileinput');
}

function withOnly({ fields, json, ...form }: Form, names: string[]): Form {
  const isKnown = ([name]: [string, unknown]) => names.includes(name);
  return {
    ...form,
    fields: Object.fromEntries(Object.entries(fields).filter(isKnown)),
    fieldOrder: form.fieldOrder.filter((name) => names.includes(name)),
    files: form.files.filter(({ field }) => names.includes(field)),
    ...(json && { json: Object.fromEntries(Object.entries(json).filter(isKnown)) }),
  };
}

/** The seed's model shows a link where it was sent, the others under the picture's id. */
function parametersOf({ fields, json }: Form, model: Model, pictures: Pictures): Record<string, unknown> {
  const { callbackUrl: _, projectid: __, ...understood }: Record<string, unknown> = { ...fields };
  if (model.generation === 'seed') return understood;
  for (const frame of ['first', 'last'] as const) {
    const parameter = model.pictures[frame];
    if (!parameter) continue;
    delete understood[parameter.id];
    delete understood[parameter.urlId ?? ''];
    const picture = pictures[frame];
    const list = json?.[parameter.id];
    // Guess: in what shape a link is shown.
    if (picture && 'url' in picture) understood[parameter.id] = Array.isArray(list) ? list : picture.url;
  }
  return understood;
}
