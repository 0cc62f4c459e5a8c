// The faults that can be scripted, and the book that stores them by prompt.

/** An entry of `errors`: mostly an object, sometimes a bare text. */
export type ErrorItem = string | { code: number; message: string };

/** `result: false` with these errors and this HTTP status; Wiro's own are in refusals.ts. */
export interface Refusal {
  kind: 'refusal';
  status: number;
  errors: ErrorItem[];
}

/** What happens to one call of the API instead of its ordinary answer. */
export type AnswerFault =
  /** An answer of the gateway in front: any status, a body that need not be JSON. */
  | { kind: 'status'; status: number; retryAfter?: number | string; body?: string }
  /** 200 with a body that is not JSON. */
  | { kind: 'garbage' }
  /** 200 with a small body by gzip that unfolds to 60 MiB of blanks. */
  | { kind: 'bomb' }
  /** No answer, and the connection stays open; or until this resolves, when it is reset. */
  | { kind: 'hang'; until?: Promise<unknown> }
  /** The connection is reset before anything is processed. */
  | { kind: 'reset' }
  /** An error of the application: 200, `result: false`. */
  | { kind: 'error'; code: number; message: string }
  | Refusal
  /** No fault: the ordinary answer, by gzip. */
  | { kind: 'compressed' }
  /** The call is processed in full, only its answer never arrives (`status`: the gateway's, default 502). */
  | { kind: 'lost'; how: 'reset' | 'hang' | 'garbage' | 'status'; status?: number };

export type RunFault = AnswerFault;
export type DetailFault = AnswerFault;

/** What happens to one GET of an output. */
export type CdnFault =
  | { kind: 'status'; status: number; retryAfter?: number | string }
  /** Content-Length and body are 1,000 bytes less than Detail's size. */
  | { kind: 'short' }
  /** 1,000 bytes more. */
  | { kind: 'long' }
  /** The right Content-Length, the connection ends half way. */
  | { kind: 'cut' }
  /** The right bytes without a Content-Length (chunked). */
  | { kind: 'no-length' }
  /** Chunked, and the connection ends half way. */
  | { kind: 'cut-no-length' }
  /** 200 with an HTML page of the right size. */
  | { kind: 'html' }
  /** 200 with other bytes, and their length. */
  | { kind: 'file'; bytes: Uint8Array }
  | { kind: 'redirect'; to: string }
  /** The headers and so many bytes (default: none), then silence. */
  | { kind: 'hang'; bytes?: number };

export interface TaskFault {
  /** The exit code at the end; the outputs are there all the same unless `outputs` says otherwise. */
  pexit?: string;
  outputs?: 'none';
  /** Ends as if Wiro itself had cancelled it. */
  end?: 'task_cancel';
  /** Replaces the whole list of statuses; read when the task is made. */
  statuses?: string[];
  /** The `debugerror` of a task that failed or sticks. */
  reason?: string;
  /** The `totalcost` at its end, however it ended. */
  cost?: string;
  /** It takes this status, in place of its end if it has not had it before, and stays there with `pexit` "". */
  sticks?: string;
  /** Its row in Task/List carries no `callbackurl`, whatever others do. */
  listCallbackUrl?: false;
  /** Never takes its last step. */
  never?: boolean;
  /** A last-moment edit of every row that shows this task. */
  patch?: (row: Record<string, unknown>) => Record<string, unknown>;
}

export interface CallbackFault {
  lost?: boolean;
  /** Deliveries one after another, default 1. */
  times?: number;
  /** Simulated seconds. */
  delaySeconds?: number;
  /** The task lives its life at once, and the callback is sent and answered before Run is. */
  early?: boolean;
  /** `garbage` is 1 MiB of random bytes. */
  body?:
    | 'detail'
    | 'bare'
    | 'form'
    | 'empty'
    | 'garbage'
    | { contentType: string; body: string | Uint8Array };
}

/**
 * `refuse`: scripted for every prompt ('') the upgrade is answered 503; scripted for some prompts the connection is
 * closed as soon as it asks for such a task. `drop`: terminated after the sixth event. `silent`: nothing is ever sent.
 * `garbage`: binary frames, broken and unexpected JSON among the events. `noPercent`: no progress objects.
 * `chatty`: fifteen lines of output before each event. Progress is told by `decimals`: with a fraction ("42.5"),
 * `jsonText`: in a JSON text, `lines`: inside plain lines of output only ("… 44.0%").
 */
export type SocketFault =
  | 'refuse'
  | 'drop'
  | 'silent'
  | 'garbage'
  | 'noPercent'
  | 'chatty'
  | 'decimals'
  | 'jsonText'
  | 'lines';

/** What a task that succeeds makes; read at its end. */
export interface OutputFault {
  /** Videos of this size, generated. */
  bytes?: number;
  /** Videos of these bytes. */
  file?: Uint8Array;
  /** How many there are; default 1. */
  count?: number;
  /** The outputs begin with an entry without a URL and a preview image. */
  preview?: boolean;
  /** The CDN answers 404 for so many simulated seconds after the end. */
  delaySeconds?: number;
}

/** Used up one entry per call. The calls that are about no single task only meet what is scripted for ''. */
interface FaultQueues {
  /** Whatever is asked, before a byte of its body is read. */
  gateway?: AnswerFault[];
  run?: RunFault[];
  detail?: DetailFault[];
  cancel?: AnswerFault[];
  kill?: AnswerFault[];
  delete?: AnswerFault[];
  list?: AnswerFault[];
  folder?: AnswerFault[];
  upload?: AnswerFault[];
  tool?: AnswerFault[];
  siteverify?: AnswerFault[];
  cdn?: CdnFault[];
}

/** In force as long as the script stands. */
interface StandingFaults {
  task?: TaskFault;
  /** A status at which the task stays until it is released; or `60 %`, in the midst of the generation. */
  holdAt?: string;
  callback?: CallbackFault;
  output?: OutputFault;
  socket?: SocketFault;
}

export interface Faults extends FaultQueues, StandingFaults {}

type Queue = keyof FaultQueues;
/** The endpoints whose answers can be made to fail, by the name of their queue. */
export type AnswerQueue = Exclude<Queue, 'cdn'>;

interface Script {
  promptPart: string;
  faults: Faults;
}

export class FaultBook {
  #scripts: Script[] = [];

  /** Adds to what stands already: queues line up behind each other, of standing faults the latest counts. */
  script(promptPart: string, faults: Faults): void {
    const copy: Faults = { ...faults };
    for (const [name, value] of Object.entries(faults)) {
      if (Array.isArray(value)) Object.assign(copy, { [name]: [...value] });
    }
    this.#scripts.push({ promptPart, faults: copy });
  }

  clear(): void {
    this.#scripts = [];
  }

  /** Takes the next entry of a queue, oldest script first. */
  next(queue: AnswerQueue, prompt: string): AnswerFault | undefined;
  next(queue: 'cdn', prompt: string): CdnFault | undefined;
  next(queue: Queue, prompt: string): AnswerFault | CdnFault | undefined {
    return this.#matching(prompt)
      .find((faults) => faults[queue]?.length)
      ?.[queue]?.shift();
  }

  standing(prompt: string): StandingFaults {
    const standing: StandingFaults = {};
    for (const { task, callback, output, holdAt, socket } of this.#matching(prompt)) {
      if (task) standing.task = { ...standing.task, ...task };
      if (callback) standing.callback = { ...standing.callback, ...callback };
      if (output) standing.output = { ...standing.output, ...output };
      if (holdAt !== undefined) standing.holdAt = holdAt;
      if (socket) standing.socket = socket;
    }
    return standing;
  }

  #matching(prompt: string): Faults[] {
    return this.#scripts.filter(({ promptPart }) => prompt.includes(promptPart)).map(({ faults }) => faults);
  }
}
