// The stand-in for Wiro, reached over HTTP only.
import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Faults, sign } from '../sim/index.ts';

interface Addresses {
  url: string;
  apiUrl: string;
  socketUrl: string;
  cdnHost: string;
  apiKey: string;
  apiSecret: string | null;
}

/** A task as /control/tasks shows it. */
export interface UpstreamTask {
  id: string;
  prompt: string;
  status: string;
  callbackUrl: string;
  history: { status: string; at: number }[];
}

/** A call as /control/calls shows it; `at` is in unix milliseconds. */
export interface UpstreamCall {
  at: number;
  method: string;
  path: string;
}

const DEFAULTS = { promptOptimizer: 'true', resolution: '768P', duration: '6' };

export class Upstream {
  readonly addresses: Addresses;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, addresses: Addresses) {
    this.#process = process;
    this.addresses = addresses;
  }

  /** A whole job takes 60 simulated seconds. */
  static async start(speed: number): Promise<Upstream> {
    const file = fileURLToPath(new URL('upstream-process.ts', import.meta.url));
    const child = fork(file, { env: { ...process.env, SIM_SPEED: `${speed}` } });
    const [addresses] = (await once(child, 'message')) as [Addresses];
    return new Upstream(child, addresses);
  }

  async script(prompt: string, faults: Faults): Promise<void> {
    await this.#control('script', { prompt, faults });
  }

  async release(task: UpstreamTask): Promise<void> {
    await this.#control('release', { task: task.id });
  }

  async tasks(promptPart: string): Promise<UpstreamTask[]> {
    const tasks = (await this.#look('tasks')) as UpstreamTask[];
    return tasks.filter(({ prompt }) => prompt.includes(promptPart));
  }

  async calls(path: string): Promise<UpstreamCall[]> {
    const calls = (await this.#look('calls')) as UpstreamCall[];
    return calls.filter((call) => call.path.startsWith(path));
  }

  /** Sends a Run as the Worker does. */
  async run(prompt: string): Promise<void> {
    const { apiUrl, apiKey, apiSecret } = this.addresses;
    const body = new FormData();
    for (const name of ['inputImageFirst', 'inputImageFirstUrl', 'callbackUrl']) body.set(name, '');
    body.set('prompt', prompt);
    for (const [name, value] of Object.entries(DEFAULTS)) body.set(name, value);
    const nonce = `${randomInt(2 ** 47)}`;
    const signed = { 'x-nonce': nonce, 'x-signature': sign(apiKey, apiSecret ?? '', nonce) };
    const headers = { 'x-api-key': apiKey, ...(apiSecret ? signed : {}) };
    const response = await fetch(`${apiUrl}/Run/minimax/hailuo-2-3`, { method: 'POST', headers, body });
    const { result } = (await response.json()) as { result: boolean };
    if (!result) throw new Error('the stand-in refuses a Run');
  }

  async stop(): Promise<void> {
    this.#process.disconnect();
    await once(this.#process, 'exit');
  }

  async #look(what: 'tasks' | 'calls'): Promise<unknown> {
    return (await fetch(`${this.addresses.url}/control/${what}`)).json();
  }

  async #control(what: string, body: object): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${this.addresses.url}/control/${what}`, init);
    if (!response.ok) throw new Error(`the stand-in refuses ${what}: ${await response.text()}`);
  }
}
