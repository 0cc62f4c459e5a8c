// Collects everything that leaves the Worker (responses, KV, R2 metadata, log lines) and searches it for keys, upstream
// names and URLs, callback proofs and, in logs, prompts.
import type { KVNamespace, R2Bucket } from '@cloudflare/workers-types';
import type { Sim } from '../../../sim/index.ts';
import type { Bindings } from './storage/bindings.ts';

/** Shorter prompts would occur by chance. */
const MIN_PROMPT_CHARS = 8;

export class LeakCheck {
  readonly #sim: Sim;
  readonly #ours: string[];
  readonly #kept: Promise<string>[] = [];
  /** Answers of the operator's inspections, which name Wiro's tasks. */
  readonly #inspections: Promise<string>[] = [];

  /** `ours`: secrets besides those that the stand-in lists. */
  constructor(sim: Sim, ours: string[]) {
    this.#sim = sim;
    this.#ours = ours;
  }

  keep(response: Response): Response {
    const head = JSON.stringify([...response.headers]);
    const isText = !response.headers.get('content-type')?.startsWith('video/');
    // A body that was interrupted is searched as far as it was read.
    const body =
      isText && response.body
        ? response
            .clone()
            .text()
            .catch(() => '')
        : Promise.resolve('');
    const isInspection = /^\/operator\/videos\/[^/]+$/.test(new URL(response.url).pathname);
    (isInspection ? this.#inspections : this.#kept).push(body.then((text) => `${head}\n${text}`));
    return response;
  }

  async check(bindings: Bindings, logs: string[]): Promise<void> {
    const places: [string, string[]][] = [
      ['an answer', await Promise.all(this.#kept)],
      ['KV', await everyValue(bindings.TASKS)],
      ['R2 metadata', await everyObject(bindings.VIDEOS)],
      ['the log', logs],
    ];
    const all = this.#secrets();
    const taskIds = this.#sim.tasks.map(({ id }) => id);
    const inspections = await Promise.all(this.#inspections);
    for (const [place, texts] of [...places, ['an inspection', inspections] as const]) {
      const secrets = texts === inspections ? all.filter((secret) => !taskIds.includes(secret)) : all;
      for (const text of texts) {
        const leaked = secrets.find((secret) => text.includes(secret));
        if (leaked) throw new Error(`${leaked} was found in ${place}: ${text}`);
      }
    }
    for (const line of logs) {
      if (/panicked|RuntimeError/.test(line)) throw new Error(`the Worker panicked: ${line}`);
      const prompt = this.#prompts().find((prompt) => line.includes(prompt));
      if (prompt) throw new Error(`a prompt was logged: ${line}`);
    }
  }

  #secrets(): string[] {
    const proofs = this.#sim.tasks.map(({ callbackUrl }) => callbackUrl.split('/').at(-1) ?? '');
    return [...this.#sim.secrets(), ...proofs, ...this.#ours].filter((secret) => secret.length > 0);
  }

  #prompts(): string[] {
    return this.#sim.tasks.map(({ prompt }) => prompt).filter((prompt) => prompt.length >= MIN_PROMPT_CHARS);
  }
}

async function everyValue(kv: KVNamespace): Promise<string[]> {
  const { keys } = await kv.list();
  return Promise.all(keys.map(async (key) => JSON.stringify([key, await kv.get(key.name)])));
}

async function everyObject(bucket: R2Bucket): Promise<string[]> {
  const { objects } = await bucket.list({ include: ['httpMetadata', 'customMetadata'] });
  return objects.map(({ key, httpMetadata, customMetadata }) =>
    JSON.stringify([key, httpMetadata, customMetadata]),
  );
}
