// Runs what was deployed to the stand-in for Cloudflare: the uploaded code in workerd, with its bindings and secrets. After
// a change of either the next request gets the new ones.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { startWorker, type WorkerProcess } from '../../worker/support/runtime.ts';
import type { Json } from '../../worker/support/service.ts';
import type { Cloudflare, DeployedWorker } from './cloudflare.ts';

export class Edge {
  readonly #cloudflare: Cloudflare;
  readonly #worker: string;
  readonly #folder: string;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  /** The Worker as it was after so many changes. */
  #running: { changes: number; process: Promise<WorkerProcess> } | undefined;

  private constructor(cloudflare: Cloudflare, worker: string, folder: string) {
    this.#cloudflare = cloudflare;
    this.#worker = worker;
    this.#folder = folder;
  }

  static async start(cloudflare: Cloudflare, worker = 'hailuo-worker'): Promise<Edge> {
    const edge = new Edge(cloudflare, worker, await mkdtemp(join(tmpdir(), 'hailuo-worker-edge-')));
    await new Promise<void>((resolve) => edge.#server.listen(0, '127.0.0.1', resolve));
    return edge;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    await (await this.#running?.process)?.miniflare.dispose();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const worker = this.#cloudflare.workers.get(this.#worker);
    if (!worker) {
      response.writeHead(404).end('There is nothing here yet');
      return;
    }
    const { origin } = await this.#current(worker);
    const body = await buffer(request);
    const answer = await fetch(`${origin}${request.url}`, {
      method: request.method ?? 'GET',
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  }

  #current(worker: DeployedWorker): Promise<WorkerProcess> {
    if (this.#running?.changes !== worker.changes) {
      const process = this.#restart(worker, this.#running?.process);
      this.#running = { changes: worker.changes, process };
    }
    return this.#running.process;
  }

  async #restart(worker: DeployedWorker, before: Promise<WorkerProcess> | undefined): Promise<WorkerProcess> {
    await (await before)?.miniflare.dispose();
    for (const { name, bytes } of worker.modules) await writeFile(join(this.#folder, name), bytes);
    const vars = worker.bindings.flatMap(({ name, type, text, json }): [string, Json][] => {
      if (type === 'plain_text') return [[name, text ?? '']];
      return type === 'json' ? [[name, json as Json]] : [];
    });
    const bundle = worker.modules.length > 0 ? this.#folder : undefined;
    return startWorker({ ...Object.fromEntries(vars), ...worker.secrets }, { bundle });
  }
}
