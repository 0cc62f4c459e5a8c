// How the Worker would read Wiro's answers: calls examples/describe_model.rs, so that each rule is written only once.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { root } from '../shared/worker-process.ts';

export interface Form {
  content_type: string;
  texts: string[];
}

export interface Parameter {
  id: string;
  required: boolean;
  options: string[];
  default: string | null;
}

export interface Frame {
  id: string;
  style: 'file_and_url' | 'combined';
  required: boolean;
}

export interface Description {
  source: 'wiro' | 'built_in';
  prompt: Parameter | null;
  prompt_optimizer: Parameter | null;
  resolution: Parameter | null;
  duration: Parameter | null;
  first_frame: Frame | null;
  last_frame: Frame | null;
  defaults: [string, string][];
  not_understood: string[];
}

export interface Format {
  resolution: string;
  duration: number | null;
  /** Millionths of a dollar. */
  price: number | null;
  source: string;
}

export interface Described {
  problem: string | null;
  description: Description;
  built_in: Description;
  formats: Format[];
}

export interface CallMeaning {
  ok: boolean;
  problem?: string;
  advice?: string | null;
  reason?: string;
  task?: string;
  token?: string | null;
}

export interface TaskMeaning {
  state: 'working' | 'succeeded' | 'failed' | 'cancelled';
  status?: string;
  url?: string;
  size?: number | null;
  cost?: string | null;
  cause?: string;
  reason?: string | null;
  pictures?: number | null;
}

export type Result<T> = { Ok: T } | { Err: string };

const BUILD = ['build', '--quiet', '--locked', '--example', 'describe_model', '--message-format', 'json'];

/** The built example; cargo is asked once. */
let program: Promise<string> | undefined;

/** @throws Error with what cargo or the example wrote to stderr. */
export async function askCrate<T>(question: object): Promise<T> {
  program ??= build();
  return JSON.parse(await output(await program, [], JSON.stringify(question))) as T;
}

/** Builds the example and returns its path. */
async function build(): Promise<string> {
  const messages = (await output('cargo', BUILD)).split('\n').filter(Boolean);
  const executables = messages.map((message) => JSON.parse(message).executable as string | null | undefined);
  const path = executables.findLast(Boolean);
  if (!path) throw new Error('cargo built no examples/describe_model.rs');
  return path;
}

/** What the program writes to stdout. */
async function output(command: string, args: string[], input = ''): Promise<string> {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  // The event `error` reports a child that could not be started.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [answer, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`examples/describe_model.rs failed: ${complaint.trim()}`);
  return answer;
}

/** The fields of a form; a file becomes `file`. */
export async function readForm(form: Form, file: Uint8Array<ArrayBuffer>): Promise<FormData> {
  return new Response(formBody(form, file), { headers: { 'content-type': form.content_type } }).formData();
}

export function formBody({ texts }: Form, file: Uint8Array<ArrayBuffer>): Blob {
  return new Blob(texts.flatMap((text, at) => (at === 0 ? [text] : [file, text])));
}
