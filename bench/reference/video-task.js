// The Durable Object of a video, the only writer of its state. Requests store and wait; the alarm does all work.
import { DurableObject } from 'cloudflare:workers';
import { dispatcherOf } from './dispatcher.js';
import { log } from './log.js';
import { recordAt } from './pure/progress.js';
import { isFinal } from './pure/record.js';
import { settingsOf } from './settings.js';
import { TaskState } from './task-state.js';
import { work } from './task-work.js';

const SUBMIT_MS = 25_000;
const RECEIVE_MS = 600_000;
const FAULT_PAUSE_MS = 30_000;
const MIN_CHECK_MS = 1000;

export class VideoTask extends DurableObject {
  #state = new TaskState(this.ctx.storage);

  /** Decides which of several equal requests creates the video. */
  async accept({ owner, record, callbackUrl, fingerprint }) {
    const isReplay = this.#state.task !== undefined;
    if (isReplay) {
      if (this.#state.task.fingerprint !== fingerprint) return { isOtherRequest: true };
    } else {
      const now = Date.now();
      const isReceiving = record.input.inputImageFirst !== null;
      const phase = isReceiving ? { name: 'receiving' } : { name: 'waiting', attempts: 0 };
      const wakeAt = isReceiving ? now + RECEIVE_MS : now;
      const task = { version: 1, owner, record, callbackUrl, fingerprint, phase, wakeAt };
      this.#state.task = { ...task, nudged: false, answerable: false, chores: {} };
      await this.#state.persist();
    }
    if (this.#state.task.phase.name === 'receiving') return { sendImage: true };
    return { record: await this.#answered(), isReplay };
  }

  /** The image that `sendImage` asked for is stored. */
  async imageStored() {
    if (this.#state.task.phase.name === 'receiving') {
      this.#state.task.phase = { name: 'waiting', attempts: 0 };
      this.#state.task.wakeAt = Date.now();
      await this.#state.persist();
    }
    return { record: await this.#answered(), isReplay: false };
  }

  async read() {
    const task = this.#state.task;
    if (!task) return undefined;
    const record = recordAt(task, Date.now());
    if (task.phase.name !== 'inLine') return record;
    return { ...record, queue_position: await dispatcherOf(this.env).position(record.id) };
  }

  /** Returns the record when its status or stage has changed, or after this many seconds. */
  async readChanged(seconds) {
    const before = this.#state.task?.record;
    const hasChanged = ({ record }) =>
      isFinal(record) || record.status !== before.status || record.stage !== before.stage;
    if (before) await this.#state.until(hasChanged, seconds * 1000);
    return this.read();
  }

  /** Wiro sent a callback, which may name a job: check now. */
  async nudge(hint) {
    const task = this.#state.task;
    if (!task) return;
    const { phase } = task;
    if (phase.name === 'submitting') {
      task.nudged = true;
    } else if (phase.name === 'running') {
      task.nudged = true;
      task.wakeAt = Math.min(task.wakeAt, Math.max(Date.now(), phase.checkedAt + MIN_CHECK_MS));
    } else if (phase.name === 'unknown') {
      Object.assign(task, { nudged: true, wakeAt: Date.now() });
      phase.hint = hint ?? phase.hint;
    } else {
      return;
    }
    await this.#state.persist();
  }

  /** The job has a slot now. Returns whether it needs one. */
  async called() {
    if (this.#state.task?.phase.name === 'inLine') {
      this.#state.task.wakeAt = Date.now();
      await this.#state.persist();
    }
    return this.#state.task !== undefined && !['storing', 'ended'].includes(this.#state.task.phase.name);
  }

  async alarm() {
    try {
      await work(this.#state, this.env, await settingsOf(this.env));
    } catch (error) {
      log.error("a task's work failed", { error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + FAULT_PAUSE_MS);
    }
  }

  async #answered() {
    await this.#state.until(({ answerable }) => answerable, SUBMIT_MS);
    return recordAt(this.#state.task, Date.now());
  }
}
