// Records every HTTP request to the simulator, and waits for requests.
import type { IncomingMessage } from 'node:http';
import { Changes } from './changes.ts';
import type { SimTask } from './endpoints/task.ts';

export interface CallFile {
  field: string;
  filename: string;
  contentType: string;
  size: number;
  sha256: string;
}

export interface Call {
  /** Unix milliseconds. */
  at: number;
  method: string;
  /** As requested, with its query. */
  path: string;
  headers: Record<string, string>;
  /** The text fields of a form, or the members of a JSON body as text. */
  fields?: Record<string, string>;
  json?: unknown;
  /** Every field of a form in the order sent, files included. */
  fieldOrder?: string[];
  /** Every file of a form; `file` is the first. */
  files?: CallFile[];
  file?: CallFile;
  /** 0 before or without a response; 101 for a socket. */
  status: number;
  /** Why only a faulty client makes this call. */
  refused?: string;
  task?: SimTask;
}

export class CallLog {
  readonly all: Call[] = [];
  readonly #taken = new WeakSet<Call>();
  readonly #changes = new Changes();

  open(request: IncomingMessage): Call {
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
    const call: Call = {
      at: Date.now(),
      method: request.method ?? '',
      path: request.url ?? '',
      headers: Object.fromEntries(headers),
      status: 0,
    };
    this.all.push(call);
    return call;
  }

  /** Marks the call as read and checked, so that `waitFor` returns it. */
  taken(call: Call): void {
    this.#taken.add(call);
    this.#changes.announce();
  }

  to(path: string): Call[] {
    return this.all.filter((call) => targetOf(call).startsWith(path));
  }

  /** The count-th matching call to the path, once it is read and checked. */
  waitFor(path: string, count: number, matches: (call: Call) => boolean): Promise<Call> {
    const isCounted = (call: Call) => this.#taken.has(call) && matches(call);
    return this.#changes.until(() => this.to(path).filter(isCounted)[count - 1]);
  }
}

/** The target of a call: `/Run/…` without the `/v1` in front, `/cdn/…`, or `/socket` for a connect to the WebSocket. */
function targetOf(call: Call): string {
  if (call.headers.upgrade) return '/socket';
  return call.path.replace(/^\/v1(?=\/)/, '');
}
