// The simulated service: one account's tasks, files and callbacks.

import { Changes } from '../changes.ts';
import type { Clock } from '../clock.ts';
import { FaultBook } from '../faults.ts';
import { bufferContent, generatedContent, previewContent, sampleContent } from '../media/media.ts';
import type { Settings } from '../options.ts';
import type { Order } from '../order.ts';
import { newOutput, type Output } from '../output.ts';
import { IdSequence } from '../random.ts';
import type { Row } from '../row.ts';
import { CallbackSender } from './callback.ts';
import { Cdn } from './cdn.ts';
import { detailRow } from './detail.ts';
import { FileStore } from './files.ts';
import { type Publication, SimTask, type TaskHost } from './task.ts';

export class Wiro implements TaskHost {
  /** `http://127.0.0.1:PORT`, known once the server listens. */
  origin = '';
  readonly clock: Clock;
  readonly settings: Settings;
  readonly faults = new FaultBook();
  readonly cdn = new Cdn(this.faults);
  readonly files: FileStore;
  readonly tasks: SimTask[] = [];
  readonly #callbacks: CallbackSender;
  readonly #ids = new IdSequence();
  readonly #changes = new Changes();
  readonly #deliveries = new WeakMap<SimTask, Promise<void>>();

  constructor(settings: Settings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.files = new FileStore(settings, this.cdn);
    this.#callbacks = new CallbackSender(clock);
  }

  get activeTasks(): number {
    return this.tasks.filter((task) => !task.ended).length;
  }

  createTask(order: Order): SimTask {
    const task = new SimTask(this.#ids.next(), order, this);
    this.tasks.push(task);
    task.start();
    this.#changes.announce();
    return task;
  }

  /** Sends the scripted early callback, before the response to Run. */
  async callBackEarly(task: SimTask): Promise<void> {
    if (!this.faults.standing(task.prompt).callback?.early) return;
    task.fastForward();
    await (this.#deliveries.get(task) ?? this.#callBack(task));
  }

  find(match: (task: SimTask) => boolean): Promise<SimTask> {
    return this.#changes.until(() => this.tasks.find(match));
  }

  row(task: SimTask): Row {
    return detailRow(task, `${this.origin}/v1`, this.settings);
  }

  /** The row in all responses except Task/List. */
  ownRow(task: SimTask): Row {
    const row = this.row(task);
    return this.settings.detailCallbackUrl ? row : { ...row, callbackurl: '' };
  }

  deleteFiles(task: SimTask): void {
    task.deleted = true;
    for (const output of task.publishedFiles) this.cdn.delete(output);
    this.files.deleteLinked(task);
  }

  publishOutputs(task: SimTask): Publication {
    const {
      bytes,
      file,
      count = 1,
      preview: withPreview,
      delaySeconds = 0,
    } = this.faults.standing(task.prompt).output ?? {};
    const generated = bytes === undefined ? sampleContent : generatedContent(bytes);
    const content = file ? bufferContent(file, 'video/mp4') : generated;
    const outputs = Array.from({ length: count }, (_, index) =>
      newOutput(this.origin, `${index}.mp4`, content),
    );
    const preview = withPreview ? newOutput(this.origin, 'preview.png', previewContent) : undefined;
    for (const output of preview ? [preview, ...outputs] : outputs) this.#upload(output, task, delaySeconds);
    return { outputs, preview };
  }

  /** A task that is cancelled in the queue sends no callback. Guess: documented for a sister product only. */
  taskEnded(task: SimTask, statusBefore: string): void {
    if (task.cancelled && statusBefore === 'task_queue') return;
    this.#deliveries.set(task, this.#callBack(task));
  }

  close(): void {
    this.clock.stop();
    this.#callbacks.close();
  }

  #upload(output: Output, task: SimTask, delaySeconds: number): void {
    if (delaySeconds === 0) this.cdn.add(output, task);
    else {
      this.cdn.announce(output, task);
      this.clock.after(delaySeconds, () => {
        if (!task.deleted) this.cdn.add(output, task);
      });
    }
  }

  #callBack(task: SimTask): Promise<void> {
    const fault = this.faults.standing(task.prompt).callback ?? {};
    return this.#callbacks.deliver(task, () => this.ownRow(task), fault);
  }
}
