// The processes of watchers, seen as one.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OpenOptions, Order, Receipts, State } from './clients-process.ts';

/** Node reads so many streams on one thread while the measured process has the other. */
const MAX_STREAMS_PER_PROCESS = 2500;

/** The share of the streams that a process opens. */
interface Share {
  process: ChildProcess;
  reading: number;
}

export class Clients {
  readonly #shares: Share[] = [];

  async open({ ids, ...options }: OpenOptions): Promise<void> {
    const opened: Promise<unknown>[] = [];
    for (let from = 0; from < ids.length; from += MAX_STREAMS_PER_PROCESS) {
      const part = ids.slice(from, from + MAX_STREAMS_PER_PROCESS);
      const share = { process: startProcess(), reading: options.reads ? part.length : 0 };
      this.#shares.push(share);
      opened.push(ask(share.process, { do: 'open', ...options, ids: part }));
    }
    await Promise.all(opened);
  }

  /** Resolves when every stream that reads has received this stage or has ended before the video. */
  async received(stage: string, withinMs: number): Promise<boolean> {
    const reading = this.#shares.filter(({ reading }) => reading > 0);
    const all = reading.map(({ process, reading: count }) =>
      ask(process, { do: 'await', stage, count, withinMs }),
    );
    return (await Promise.all(all)).every(Boolean);
  }

  /** The receipts since the last call. */
  async taken(): Promise<Receipts[]> {
    return (await this.#all<Receipts[]>({ do: 'take' })).flat();
  }

  /** Closes all connections, to open them again later. */
  async leave(): Promise<void> {
    await this.#all({ do: 'leave' });
  }

  /** Opens them again behind their last events. Returns the milliseconds of each until its first event. */
  async resumed(): Promise<number[]> {
    return (await this.#all<number[]>({ do: 'resume' })).flat();
  }

  async state(): Promise<State> {
    const sum: State = { statuses: {}, open: 0, idlePorts: [], processorMs: 0 };
    for (const { statuses, open, idlePorts, processorMs } of await this.#all<State>({ do: 'state' })) {
      for (const [status, count] of Object.entries(statuses)) {
        sum.statuses[status] = (sum.statuses[status] ?? 0) + count;
      }
      sum.open += open;
      sum.idlePorts.push(...idlePorts);
      sum.processorMs += processorMs;
    }
    return sum;
  }

  async stop(): Promise<void> {
    await this.#all({ do: 'close' });
    const exits = this.#shares.map(({ process }) => {
      const exit = once(process, 'exit');
      process.disconnect();
      return exit;
    });
    await Promise.all(exits);
    this.#shares.length = 0;
  }

  async #all<T>(order: Order): Promise<T[]> {
    return Promise.all(this.#shares.map(async ({ process }) => (await ask(process, order)) as T));
  }
}

function startProcess(): ChildProcess {
  return fork(fileURLToPath(new URL('clients-process.ts', import.meta.url)));
}

async function ask(process: ChildProcess, order: Order): Promise<unknown> {
  const answered = once(process, 'message');
  process.send(order);
  const [{ answer }] = (await answered) as [{ answer: unknown }];
  return answer;
}
