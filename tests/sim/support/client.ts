// A client of Wiro's API for the tests, with its own implementation of the signature, and valid Runs.
import { createHmac, randomInt } from 'node:crypto';
import type { Sim } from '../../../sim/index.ts';

export interface Answer {
  result: boolean;
  errors: { code: number; message: string }[];
  taskid: string;
  socketaccesstoken: string;
  total: string;
  tasklist: Row[];
  list: Row[];
  tool: Row[];
}

export type Row = Record<string, unknown> & { outputs: Record<string, string>[] };

/** What has to be in a Run, in the order of Wiro's sample. */
export const RUN_FIELDS = {
  inputImageFirst: '',
  inputImageFirstUrl: '',
  prompt: 'a paper boat on a puddle',
  promptOptimizer: 'true',
  resolution: '768P',
  duration: '6',
};

export const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a', 'hex'),
  Buffer.from('the rest of a picture'),
]);

export function signedHeaders(sim: Sim, nonce = String(randomInt(2 ** 48 - 1))): Record<string, string> {
  if (sim.apiSecret === null) return { 'x-api-key': sim.apiKey };
  const signature = createHmac('sha256', sim.apiKey).update(`${sim.apiSecret}${nonce}`).digest('hex');
  return { 'x-api-key': sim.apiKey, 'x-nonce': nonce, 'x-signature': signature };
}

export function post(sim: Sim, path: string, body: object, headers = signedHeaders(sim)): Promise<Response> {
  if (body instanceof FormData) return fetch(sim.apiUrl + path, { method: 'POST', headers, body });
  const json = { ...headers, 'content-type': 'application/json' };
  return fetch(sim.apiUrl + path, { method: 'POST', headers: json, body: JSON.stringify(body) });
}

export async function ask(sim: Sim, path: string, body: object): Promise<Answer> {
  return (await (await post(sim, path, body)).json()) as Answer;
}

/** A multipart body; files as `File`. */
export function multipart(fields: Record<string, string | File>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

/** A Run as Wiro's sample sends it, with the changes; undefined leaves a field out. */
export function runForm(changes: Record<string, string | File | undefined> = {}): FormData {
  const fields: Record<string, string | File> = {};
  for (const [name, value] of Object.entries({ ...RUN_FIELDS, ...changes })) {
    if (value !== undefined) fields[name] = value;
  }
  return multipart(fields);
}

export function run(sim: Sim, changes: Record<string, string | File | undefined> = {}): Promise<Answer> {
  return ask(sim, '/Run/minimax/hailuo-2-3', runForm(changes));
}

export async function detail(sim: Sim, tasktoken: string): Promise<Row> {
  const { tasklist } = await ask(sim, '/Task/Detail', { tasktoken });
  return tasklist[0]!;
}
