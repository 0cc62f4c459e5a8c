// One task: it goes through its life in simulated time and informs its watchers.
import { randomUUID } from 'node:crypto';
import { Changes } from '../changes.ts';
import type { Clock } from '../clock.ts';
import { outputEntries } from '../entries.ts';
import type { FaultBook } from '../faults.ts';
import {
  isLogLine,
  isProgress,
  isTerminal,
  lifeThrough,
  type Message,
  ordinaryLife,
  type Step,
} from '../lifecycle.ts';
import type { Model } from '../models.ts';
import type { Image, Order, Pictures } from '../order.ts';
import type { Output } from '../output.ts';
import { charge } from '../price.ts';
import { randomToken } from '../random.ts';
import type { CallbackAttempt } from './callback.ts';

export interface TaskEvent {
  type: string;
  message: Message;
}

/** What a task has made: its videos, and an image that is listed before them. */
export interface Publication {
  outputs: Output[];
  preview?: Output | undefined;
}

/** What a task needs of the service it runs in. */
export interface TaskHost {
  clock: Clock;
  faults: FaultBook;
  publishOutputs(task: SimTask): Publication;
  /** Called once, with the previous status. */
  taskEnded(task: SimTask, statusBefore: string): void;
}

export class SimTask {
  readonly id: string;
  readonly token = randomToken();
  readonly uuid = randomUUID();
  /** Part of the URL of the input image at Wiro. */
  readonly inputKey = randomToken();
  /** The slug of its model. */
  readonly model: string;
  readonly prompt: string;
  /** The text fields of the Run that made it. */
  readonly fields: Record<string, string>;
  readonly callbackUrl: string;
  readonly projectId: string | null;
  /** The images, as the model uses them. */
  readonly pictures: Pictures;
  /** The file of the first frame. */
  readonly image?: Image;
  /** The other parameters that the model understood. */
  readonly understood: Record<string, unknown>;
  /** US dollars, if it succeeds. */
  readonly price: number;
  status = '';
  /** Every status taken, in order; `at` is in unix milliseconds. */
  readonly history: { status: string; at: number }[] = [];
  cancelled = false;
  /** Stays at its status until released. */
  held = false;
  /** Stays at its status forever without ending; it can be killed. */
  stuck = false;
  /** No further status will come. */
  ended = false;
  pexit: string | null = null;
  /** The videos. */
  outputs: Output[] = [];
  preview: Output | undefined;
  /** InputOutputDelete was called: the outputs are gone from the CDN. */
  deleted = false;
  readonly callbacks: CallbackAttempt[] = [];
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly #model: Model;
  #host: TaskHost;
  #life: Step[];
  #cancelTimer = (): void => {};
  #lastEvent: TaskEvent = { type: 'task_queue', message: null };
  #heldAt: string | undefined;
  readonly #released = new Set<string>();
  readonly #watchers = new Set<(event: TaskEvent) => void>();
  readonly #changes = new Changes();
  readonly #simulatedTimes = new Map<string, number>();

  constructor(id: string, order: Order, host: TaskHost) {
    this.id = id;
    this.prompt = order.prompt;
    this.fields = order.fields;
    this.callbackUrl = order.callbackUrl;
    this.projectId = order.projectId;
    this.model = order.model.slug;
    this.#model = order.model;
    this.pictures = order.pictures;
    const { first } = order.pictures;
    if (first && 'file' in first) this.image = first.file;
    this.understood = order.understood;
    this.price = charge(order.model.prices, order.fields);
    this.#host = host;
    const { statuses } = this.faults;
    this.#life = statuses ? lifeThrough(statuses) : ordinaryLife();
  }

  start(): void {
    this.#takeStep();
  }

  /** The model as it was when the task was created. */
  get madeWith(): Model {
    return this.#model;
  }

  /** Every file that it has put on the CDN, in the order in which rows list them. */
  get publishedFiles(): Output[] {
    return this.preview ? [this.preview, ...this.outputs] : this.outputs;
  }

  get succeeded(): boolean {
    return this.status === 'task_postprocess_end' && this.pexit === '0' && this.outputs.length > 0;
  }

  /** What is scripted for this task's row and end right now. */
  get faults() {
    return this.#host.faults.standing(this.prompt).task ?? {};
  }

  get failed(): boolean {
    return this.stuck || (this.ended && !this.cancelled && !this.succeeded);
  }

  get queued(): boolean {
    return this.status === 'task_queue';
  }

  /** Simulated seconds from its start to its end, or to now. */
  get elapsedSeconds(): number {
    const start = this.#simulatedTimes.get('task_start');
    if (start === undefined) return 0;
    const stopped = this.ended ? this.#simulatedTimes.get(this.status) : undefined;
    return (this.#simulatedTimes.get('task_end') ?? stopped ?? this.#host.clock.now()) - start;
  }

  /** Calls back with the current stage at once and with every event from here on; returns how to stop. */
  watch(watcher: (event: TaskEvent) => void): () => void {
    watcher(this.#lastEvent);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The number of watchers. */
  get watchers(): number {
    return this.#watchers.size;
  }

  hasBeen(status: string): boolean {
    return this.history.some((entry) => entry.status === status);
  }

  /** Resolves when the task has had this status. */
  async reached(status: string): Promise<void> {
    await this.#changes.until(() => this.history.find((entry) => entry.status === status));
  }

  /** Resolves with the count-th attempt at a callback, once it was answered or failed. */
  calledBack(count = 1): Promise<CallbackAttempt> {
    return this.#changes.until(() => this.callbacks[count - 1]);
  }

  recordCallback(attempt: CallbackAttempt): void {
    this.callbacks.push(attempt);
    this.#changes.announce();
  }

  /** Releases the task from its hold, or from the next one. */
  release(): void {
    const { holdAt } = this.#host.faults.standing(this.prompt);
    const place = this.held ? this.#heldAt : holdAt;
    if (place !== undefined) this.#released.add(place);
    if (!this.held) return;
    this.held = false;
    this.#scheduleStep();
  }

  /** Performs all remaining steps at once, up to a hold. */
  fastForward(): void {
    this.#cancelTimer();
    while (this.#takeStep()) this.#cancelTimer();
  }

  /** Cancel and Kill. */
  stop(): void {
    this.#end('task_cancel');
  }

  #scheduleStep(): void {
    const next = this.#life[0];
    if (this.ended || !next) return;
    this.#cancelTimer = this.#host.clock.after(next.after, () => this.#takeStep());
  }

  /** Performs one step; returns false if the next one must wait. */
  #takeStep(): boolean {
    const next = this.#life[0];
    if (this.ended || !next) return false;
    this.held = this.#shouldHold(); // a hold may have been scripted since the last step
    if (this.held) return false;
    const { faults } = this;
    const sticksHere = isTerminal(next.type) || (next.type === faults.sticks && !isLogLine(next.type));
    if (faults.sticks !== undefined && sticksHere) {
      this.#stick(faults.sticks);
      return false;
    }
    if (isTerminal(next.type)) {
      if (!faults.never) this.#end(faults.end ?? next.type);
      return false;
    }
    this.#life.shift();
    this.#log(next);
    if (isLogLine(next.type)) this.#notify(next);
    else this.#enter(next);
    this.held = this.#shouldHold();
    if (!this.held) this.#scheduleStep();
    return !this.held;
  }

  #stick(status: string): void {
    this.#life = [];
    this.stuck = true;
    this.pexit = '';
    this.#enter({ type: status, message: this.faults.reason ?? null });
  }

  #end(status: string): void {
    if (this.ended) return;
    this.#cancelTimer();
    this.stuck = false;
    const { faults } = this;
    const before = this.status;
    this.ended = true;
    this.held = false;
    this.cancelled = status === 'task_cancel';
    // A cancelled task has pexit "0" too: only the status distinguishes the two.
    this.pexit = this.cancelled ? '0' : (faults.pexit ?? '0');
    if (this.pexit !== '0') this.stderr.push('Error: generation failed');
    if (!this.cancelled && faults.outputs !== 'none') {
      const { outputs, preview } = this.#host.publishOutputs(this);
      this.outputs = outputs;
      this.preview = preview;
    }
    this.#enter({
      type: status,
      message: this.cancelled ? null : outputEntries(this),
    });
    this.#host.taskEnded(this, before);
  }

  #enter(event: TaskEvent): void {
    if (this.status !== event.type) this.history.push({ status: event.type, at: Date.now() });
    this.status = event.type;
    this.#simulatedTimes.set(event.type, this.#host.clock.now());
    this.#lastEvent = event;
    this.#notify(event);
  }

  #notify({ type, message }: TaskEvent): void {
    for (const watcher of this.#watchers) watcher({ type, message });
    this.#changes.announce();
  }

  #log({ type, message }: Step): void {
    if (typeof message === 'string') (isLogLine(type) ? this.stderr : this.stdout).push(message);
  }

  #shouldHold(): boolean {
    const { holdAt } = this.#host.faults.standing(this.prompt);
    const { message } = this.#lastEvent;
    const isThere = holdAt === this.status || (isProgress(message) && holdAt === `${message.percentage} %`);
    if (holdAt === undefined || !isThere || this.#released.has(holdAt)) return false;
    this.#heldAt = holdAt;
    return true;
  }
}
