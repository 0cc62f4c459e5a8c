// The state of a video's object: read from storage once, and written with each step together with the next alarm.
import { log } from './log.js';
import { recordAt, toCome } from './pure/progress.js';

/** During an effect the alarm is set this much later. It only fires after a crash. */
export const GUARD_MS = 10_000;

export class TaskState {
  task;
  /** Chores to be done at once; were the object to die before, their alarms are set. */
  ready = new Set();
  #storage;
  #waiting = [];

  constructor(storage) {
    this.#storage = storage;
    this.task = storage.kv.get('task');
  }

  /** When there is something to do. */
  get nextAlarm() {
    const { wakeAt, chores } = this.task;
    return Math.min(wakeAt, ...Object.values(chores).map(({ due }) => due));
  }

  /** Task and alarm are written as one: no await lies in between. */
  async persist() {
    this.#storage.kv.put('task', this.task);
    const alarm = this.nextAlarm;
    const set = Number.isFinite(alarm) ? this.#storage.setAlarm(alarm) : this.#storage.deleteAlarm();
    for (const resolve of this.#waiting.splice(0)) resolve();
    await set;
  }

  /** There is no task any more. */
  async clear() {
    this.task = undefined;
    await this.#storage.deleteAll();
  }

  /** Resolves once the task is so, or when the time is over. */
  async until(isSo, ms) {
    const deadline = Date.now() + ms;
    while (this.task && !isSo(this.task)) {
      const left = deadline - Date.now();
      if (left <= 0) return;
      const { promise, resolve } = Promise.withResolvers();
      const timer = setTimeout(resolve, left);
      this.#waiting.push(resolve);
      await promise;
      clearTimeout(timer);
    }
  }

  owe(chore) {
    this.task.chores[chore] = { due: Date.now() + GUARD_MS, failures: 0 };
    this.ready.add(chore);
  }

  /** There is something to tell the caller: the first Run was answered, or the job stands in line. */
  becomeAnswerable() {
    if (!this.task.answerable) this.owe('publish');
    this.task.answerable = true;
  }

  moved() {
    const { id, status, stage } = this.task.record;
    log.info('a video moved', { 'video.id': id, status, stage });
  }

  /** What can be seen at this moment: from here on nobody is told less. */
  keepProgress(now) {
    const task = this.task;
    task.record = { ...recordAt(task, now) };
    if (task.phase.name === 'running') task.endsAt = now + toCome(task, now);
  }
}
