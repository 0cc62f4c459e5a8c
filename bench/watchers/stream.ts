// One watcher: a stream of server-sent events on a connection of its own, with the time of each event's receipt.
import http from 'node:http';

/** Unix milliseconds with fractions, comparable between the processes of a machine. */
export const unixNow = (): number => performance.timeOrigin + performance.now();

export interface StreamOptions {
  url: string;
  lastEventId?: string | undefined;
  /** Whether it reads; otherwise its connection stays full. */
  reads: boolean;
  /** Called with each new stage of the Video, or its status at the end. */
  onStage: (stage: string, at: number) => void;
}

export class EventStream {
  /** 0 before the answer, and if there was none. */
  status = 0;
  lastEventId = '';
  /** The Video's newest stage, or its status at the end. */
  stage = '';
  isOpen = true;
  /** Resolves with the first event, or, without reading, with the head of the answer; or when the stream has ended. */
  readonly began: Promise<void>;
  /** Resolves when the stream has ended or its connection is closed. */
  readonly ended: Promise<void>;
  readonly #request: http.ClientRequest;
  #rest = '';

  constructor({ url, lastEventId, reads, onStage }: StreamOptions) {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    this.#request = http.get(url, { agent: false, headers });
    const began = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.began = began.promise;
    this.ended = ended.promise;
    const end = () => {
      this.isOpen = false;
      began.resolve();
      ended.resolve();
    };
    this.#request.on('error', end).on('close', end);
    this.#request.on('response', (response) => {
      this.status = response.statusCode ?? 0;
      response.on('error', end);
      if (!reads) {
        response.pause();
        began.resolve();
        return;
      }
      response.on('data', (chunk: Buffer) => {
        this.#take(chunk, unixNow(), onStage);
        began.resolve();
      });
    });
  }

  /** Of the client's end of the connection. */
  get port(): number {
    return this.#request.socket?.localPort ?? 0;
  }

  close(): void {
    this.#request.destroy();
  }

  #take(chunk: Buffer, at: number, onStage: StreamOptions['onStage']): void {
    const blocks = (this.#rest + chunk.toString('latin1')).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (!block.startsWith('id: ')) continue;
      this.lastEventId = block.slice('id: '.length, block.indexOf('\n'));
      if (block.includes('\nevent: log\n')) continue;
      const stage = stageOf(block);
      if (stage !== this.stage) onStage(stage, at);
      this.stage = stage;
    }
  }
}

function stageOf(block: string): string {
  const status = block.match(/"status":"(\w+)"/)?.[1] ?? '';
  return status === 'in_progress' ? (block.match(/"stage":"(\w+)"/)?.[1] ?? status) : status;
}
