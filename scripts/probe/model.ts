// How each field is sent to a model, which formats the model offers, and what has changed.

import type { Calls, Http } from './calls.ts';
import { refusalOf } from './calls.ts';
import { askCrate, type Described, type Description, type Form, type Parameter, readForm } from './crate.ts';
import type { Report } from './report.ts';
import type { ProbeSettings } from './settings.ts';

const LINK = 'https://probe.example/picture.png';

export interface ProbedModel extends Described {
  slug: string;
  /** The answer of Tool/Detail. */
  http: Http;
}

/** Reads Tool/Detail, prints what follows from it, and reports what differs. */
export async function probeModel(
  slug: string,
  calls: Calls,
  settings: ProbeSettings,
  report: Report,
): Promise<ProbedModel> {
  const bodies = await askCrate<{ tool: string }>({ do: 'bodies', slug });
  const http = await calls.json('/Tool/Detail', bodies.tool);
  const prices = settings.pricesUsd;
  const described = await askCrate<Described>({ do: 'describe', slug, http, prices });
  const model = { ...described, slug, http };
  const refusal = await refusalOf(http, settings);
  report.say('');
  report.say(`Model ${slug}`);
  if (refusal) report.fails(`Tool/Detail of ${slug} is refused: ${refusal}`);
  else if (described.problem)
    report.differs(`Tool/Detail of ${slug} is not understood: ${described.problem}`);
  await printFields(model, report);
  printFormats(model, report);
  compare(model, report);
  return model;
}

async function printFields(model: ProbedModel, report: Report): Promise<void> {
  const { description } = model;
  const { prompt, prompt_optimizer, resolution, duration, first_frame, last_frame } = description;
  const row = (field: string, sent: string, required: boolean, parameter?: Parameter) => [
    ...[field, sent, required ? 'yes' : 'no'],
    ...[parameter?.options.join(', ') || '-', parameter?.default ?? '-'],
  ];
  const plain = (field: string, parameter: Parameter | null) =>
    parameter ? row(field, parameter.id, parameter.required, parameter) : row(field, 'not sent', false);
  const rows = [['our field', 'sent as', 'required', 'options', 'default']];
  for (const [field, name, frame] of [
    ['inputImageFirst', 'first_frame', first_frame],
    ['inputImageLast', 'last_frame', last_frame],
  ] as const) {
    const required = frame?.required ?? false;
    rows.push(row(`${field} (file)`, await pictureField(model, name, 'file'), required));
    rows.push(row(`${field} (link)`, await pictureField(model, name, LINK), required));
  }
  rows.push(plain('prompt', prompt), plain('promptOptimizer', prompt_optimizer));
  rows.push(plain('resolution', resolution), plain('duration', duration));
  for (const [id, value] of description.defaults) rows.push([`(always ${value})`, id, 'yes', '-', value]);
  report.say(description.source === 'wiro' ? 'Parameters, as Wiro tells them:' : 'Parameters, as built in:');
  report.table(rows);
}

/** The field of Run's form for an image, read from a form that the Worker would send. */
async function pictureField(model: ProbedModel, name: string, picture: string): Promise<string> {
  const { slug, http } = model;
  const form = await askCrate<Form>({ do: 'run_form', slug, http, [name]: picture });
  const fields = [...(await readForm(form, new Uint8Array([1])))];
  const found = fields.find(([, value]) => (picture === 'file' ? value instanceof File : value === picture));
  return found?.[0] ?? 'not sent';
}

function printFormats({ formats, slug }: ProbedModel, report: Report): void {
  report.say('Formats:');
  report.table([
    ['resolution', 'seconds', 'price'],
    ...formats.map(({ resolution, duration, price, source }) => [
      ...[resolution || '-', String(duration ?? '-')],
      price === null ? 'unknown' : `${dollars(price)} (${source})`,
    ]),
  ]);
  for (const format of formats.filter(({ price }) => price === null)) {
    report.differs(`${slug}: no price is known for ${nameOf(format)}; set PRICES_USD to have it in budgets`);
  }
  if (formats.length === 0) report.fails(`${slug}: no format is left that it makes`);
}

const FIELDS = [
  ...(['first_frame', 'last_frame', 'prompt', 'prompt_optimizer', 'resolution', 'duration'] as const),
];

function compare({ description, built_in, slug }: ProbedModel, report: Report): void {
  if (description.source === 'built_in') {
    report.differs(`${slug}: Wiro tells no parameters; those that are built in are used`);
  } else {
    for (const field of FIELDS) {
      const [told, known] = [shown(description, field), shown(built_in, field)];
      if (told !== known) report.differs(`${slug}: ${field} is ${told}; built in is ${known}`);
    }
  }
  for (const [id, value] of description.defaults) {
    report.differs(`${slug}: ${id} is required and not ours; its default ${value} is sent`);
  }
  for (const id of description.not_understood) {
    report.fails(`${slug}: ${id} is required, has no default and is not understood: Run cannot work`);
  }
}

function shown(description: Description, field: (typeof FIELDS)[number]): string {
  const value = description[field];
  if (value === null) return 'not there';
  const need = value.required ? 'required' : 'optional';
  if ('style' in value) return `${value.id} (${value.style}, ${need})`;
  const options = value.options.length > 0 ? `, ${value.options.join(' | ')}` : '';
  return `${value.id} (${need}${options}${value.default ? `, default ${value.default}` : ''})`;
}

export function nameOf({ resolution, duration }: { resolution: string; duration: number | null }): string {
  return (
    [resolution, duration === null ? '' : `${duration} s`].filter(Boolean).join(' ') || 'its only format'
  );
}

export function dollars(micros: number): string {
  return `$${(micros / 1_000_000).toFixed(6).replace(/(\.\d{2}\d*?)0+$/, '$1')}`;
}
