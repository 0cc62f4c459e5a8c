// The Durable Object of a video: the only writer of its state. Requests record and wait; all work is the alarm's, and each
// step is stored together with the next alarm before it is taken.
import { DurableObject } from 'cloudflare:workers';
import { copy } from './copy.js';
import { dispatcherOf } from './dispatcher.js';
import { log } from './log.js';
import { recordAt, toCome } from './progress.js';
import { isFinal } from './record.js';
import { publish } from './records.js';
import { settingsOf } from './settings.js';
import * as wiro from './wiro.js';

const SUBMIT_MS = 25_000;
const RECEIVE_MS = 600_000;
const LINE_CHECK_MS = 60_000;
/** While something is under way the alarm is set this much later: it only fires if the object died. */
const GUARD_MS = 10_000;
const FAULT_PAUSE_MS = 30_000;
const MIN_CHECK_MS = 1000;

export class VideoTask extends DurableObject {
  #task = this.ctx.storage.kv.get('task');
  #waiting = [];
  /** Chores to be done at once; were the object to die before, their alarms are set. */
  #ready = new Set();

  /** Here, and nowhere else, it is decided which of several equal requests makes the video. */
  async accept({ owner, record, callbackUrl, fingerprint }) {
    const isReplay = this.#task !== undefined;
    if (isReplay) {
      if (this.#task.fingerprint !== fingerprint) return { isOtherRequest: true };
    } else {
      const now = Date.now();
      const isReceiving = record.input.inputImageFirst !== null;
      const phase = isReceiving ? { name: 'receiving' } : { name: 'waiting', attempts: 0 };
      const wakeAt = isReceiving ? now + RECEIVE_MS : now;
      const task = { version: 1, owner, record, callbackUrl, fingerprint, phase, wakeAt };
      this.#task = { ...task, nudged: false, answerable: false, chores: {} };
      await this.#persist();
    }
    if (this.#task.phase.name === 'receiving') return { sendImage: true };
    return { record: await this.#answered(), isReplay };
  }

  /** The image that `sendImage` asked for is stored. */
  async imageStored() {
    if (this.#task.phase.name === 'receiving') {
      this.#task.phase = { name: 'waiting', attempts: 0 };
      this.#task.wakeAt = Date.now();
      await this.#persist();
    }
    return { record: await this.#answered(), isReplay: false };
  }

  async read() {
    const task = this.#task;
    if (!task) return undefined;
    const record = recordAt(task, Date.now());
    if (task.phase.name !== 'inLine') return record;
    return { ...record, queue_position: await dispatcherOf(this.env).position(record.id) };
  }

  /** The record when its status or stage has changed, or after so many seconds. */
  async readChanged(seconds) {
    const before = this.#task?.record;
    const hasChanged = ({ record }) =>
      isFinal(record) || record.status !== before.status || record.stage !== before.stage;
    if (before) await this.#until(hasChanged, seconds * 1000);
    return this.read();
  }

  /** Wiro called back, perhaps naming a job: look now. */
  async nudge(hint) {
    const task = this.#task;
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
    await this.#persist();
  }

  /** There is a place at Wiro now; whether it is needed. */
  async called() {
    if (this.#task?.phase.name === 'inLine') {
      this.#task.wakeAt = Date.now();
      await this.#persist();
    }
    return this.#task !== undefined && !['storing', 'ended'].includes(this.#task.phase.name);
  }

  async alarm() {
    try {
      const settings = await settingsOf(this.env);
      while (this.#task && (this.#ready.size > 0 || nextAlarm(this.#task) <= Date.now())) {
        await this.#step(settings);
      }
    } catch (error) {
      log.error("a task's work failed", { error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + FAULT_PAUSE_MS);
    }
  }

  async #step(settings) {
    const now = Date.now();
    const { chores, phase } = this.#task;
    const [ready] = this.#ready;
    const chore = ready ?? Object.keys(chores).find((name) => chores[name].due <= now);
    if (chore) return this.#do(chore, settings, now);
    this.#task.wakeAt = now + GUARD_MS;
    return this[`_${phase.name}`](settings, now);
  }

  async _receiving() {
    this.#task = undefined;
    await this.ctx.storage.deleteAll();
  }

  async _waiting(settings, now) {
    const task = this.#task;
    if (now >= task.record.created_at * 1000 + 999 + settings.taskDeadlineMs) {
      return this.#fail(
        'upstream_unavailable',
        'The upstream did not accept the job. Try again later.',
        settings,
      );
    }
    await this.#persist();
    const { attempts } = task.phase;
    const { place, position } = await this.#enter(task);
    if (!place) {
      task.phase = { name: 'inLine', attempts };
      task.wakeAt = Date.now() + LINE_CHECK_MS;
      task.record.queue_position = position;
      this.#becomeAnswerable();
      return this.#persist();
    }
    task.pace = place.pace;
    task.record.queue_position = null;
    return this._placed(settings);
  }

  _inLine(settings, now) {
    return this._waiting(settings, now);
  }

  /** The intent is stored before Run is sent. */
  async _placed(settings) {
    const task = this.#task;
    const { attempts } = task.phase;
    task.phase = { name: 'submitting', attempts };
    task.wakeAt = Date.now() + GUARD_MS;
    await this.#persist();
    const { job, retryAfterMs, refusal } = await wiro.run(this.env, settings, task);
    if (job) {
      this.#start(job, settings);
    } else if (refusal) {
      return this.#fail(refusal.code, refusal.message, settings);
    } else if (retryAfterMs !== undefined) {
      task.phase = { name: 'placed', attempts: attempts + 1 };
      task.wakeAt = Date.now() + Math.max(retryAfterMs, settings.retry.jittered(attempts));
    } else {
      this.#loseRunAnswer(settings);
    }
    this.#becomeAnswerable();
    return this.#persist();
  }

  /** The object died during Run: it may have started, and is never sent again. */
  async _submitting(settings) {
    this.#loseRunAnswer(settings);
    return this.#persist();
  }

  async _unknown(settings) {
    const task = this.#task;
    await this.#persist();
    task.nudged = false;
    const job = await wiro.search(settings, task);
    const { phase } = task;
    if (job) {
      task.nudged = true;
      this.#start(job, settings);
    } else if (Date.now() >= phase.since + settings.taskDeadlineMs) {
      return this.#fail(
        'submission_unknown',
        "The upstream's answer was lost and no job was found.",
        settings,
      );
    } else {
      phase.searches += 1;
      task.wakeAt = Date.now() + (task.nudged ? MIN_CHECK_MS : settings.poll.step(phase.searches));
    }
    return this.#persist();
  }

  async _running(settings, now) {
    const task = this.#task;
    const { phase } = task;
    phase.checkedAt = now;
    if (task.nudged) phase.eager = 0;
    task.nudged = false;
    await this.#persist();
    const { source, failed, cancelled, status, cost } = await wiro.check(settings, task.record.id, phase.job);
    if (source) {
      const since = Date.now();
      this.#keepProgress(since);
      task.phase = { name: 'storing', since, attempts: 0, source, job: phase.job };
      Object.assign(task.record, { cost_usd: cost, stage: 'storing' });
      task.wakeAt = since;
      this.#moved();
      this.#owe('leave');
      return this.#persist();
    }
    if (failed || cancelled) task.record.cost_usd = cost && Number(cost) > 0 ? cost : null;
    if (failed) {
      const message = 'The model ended without a video. Nothing was charged; try another prompt or image.';
      return this.#fail('generation_failed', message, settings);
    }
    if (cancelled) return this.#end('cancelled', settings);
    return this.#checkAgain(settings, status);
  }

  #checkAgain(settings, status) {
    const task = this.#task;
    const { phase } = task;
    const now = Date.now();
    const deadline = phase.since + settings.taskDeadlineMs;
    if (now >= deadline) {
      return this.#fail('upstream_timeout', 'The upstream did not finish the job in time.', settings);
    }
    phase.checks += 1;
    let wait = settings.poll.step(phase.checks);
    if (task.nudged) wait = Math.min(wait, MIN_CHECK_MS);
    else if (phase.eager !== undefined) wait = Math.min(wait, settings.retry.jittered(phase.eager++));
    task.wakeAt = Math.min(now + wait, deadline);
    this.#keepProgress(now);
    if (status && status !== task.record.stage) {
      task.record.stage = status;
      this.#moved();
    }
    return this.#persist();
  }

  async _storing(settings) {
    const task = this.#task;
    const { phase, record } = task;
    await this.#persist();
    const output = await copy(this.env, settings, record.id, phase.source);
    const now = Date.now();
    if (output) {
      record.output = output;
      return this.#end('completed', settings);
    }
    const deadline = phase.since + settings.copyDeadlineMs;
    if (now >= deadline) {
      return this.#fail('storage_failed', 'The finished video could not be stored.', settings);
    }
    task.wakeAt = Math.min(now + settings.retry.jittered(phase.attempts++), deadline);
    return this.#persist();
  }

  /** Owed besides the job, and done again until it succeeded. */
  async #do(chore, settings, now) {
    const task = this.#task;
    const owed = task.chores[chore];
    this.#ready.delete(chore);
    if (owed.due <= now) {
      owed.due = now + GUARD_MS;
      await this.#persist();
    }
    const { record, owner, phase } = task;
    try {
      if (chore === 'publish') await publish(this.env, record, owner, settings.retentionSeconds);
      else
        await dispatcherOf(this.env).leave(
          ownedOf(task),
          kindOf(record.input),
          phase.since - task.begunAt,
          microsOf(record),
        );
      if (task.chores[chore] === owed) delete task.chores[chore];
    } catch (error) {
      log.warn('a chore failed', { 'video.id': record.id, chore, error: String(error) });
      owed.due = Date.now() + settings.retry.jittered(owed.failures++);
    }
    await this.#persist();
  }

  #owe(chore) {
    this.#task.chores[chore] = { due: Date.now() + GUARD_MS, failures: 0 };
    this.#ready.add(chore);
  }

  /** There is something to tell the caller: the first Run was answered, or the job stands in line. */
  #becomeAnswerable() {
    if (!this.#task.answerable) this.#owe('publish');
    this.#task.answerable = true;
  }

  #start(job, settings) {
    const task = this.#task;
    const now = Date.now();
    task.phase = { name: 'running', since: now, checks: 0, checkedAt: now, job };
    task.wakeAt = task.nudged ? now : now + settings.poll.step(0);
    Object.assign(task, { begunAt: now, endsAt: undefined });
    Object.assign(task.record, {
      started_at: Math.floor(now / 1000),
      status: 'in_progress',
      stage: 'task_queue',
    });
    this.#keepProgress(now);
    this.#moved();
  }

  #loseRunAnswer(settings) {
    const task = this.#task;
    const now = Date.now();
    task.phase = { name: 'unknown', since: now, searches: 0 };
    task.wakeAt = task.nudged ? now : now + settings.poll.step(0);
    Object.assign(task.record, { started_at: Math.floor(now / 1000), status: 'in_progress' });
    this.#moved();
  }

  #fail(code, message, settings) {
    this.#task.record.error = { code, message };
    return this.#end('failed', settings);
  }

  #end(status, settings) {
    const task = this.#task;
    const needsPlace = task.phase.name !== 'storing';
    const completed_at = Math.floor(Date.now() / 1000);
    const expires_at = completed_at + settings.retentionSeconds;
    Object.assign(task.record, { status, stage: 'done', completed_at, expires_at, queue_position: null });
    if (status === 'completed') task.record.progress = 100;
    task.phase = { name: 'ended' };
    Object.assign(task, { wakeAt: Number.POSITIVE_INFINITY, answerable: true });
    this.#moved();
    if (needsPlace) this.#owe('leave');
    this.#owe('publish');
    return this.#persist();
  }

  async #enter(task) {
    try {
      return await dispatcherOf(this.env).enter(ownedOf(task), kindOf(task.record.input));
    } catch (error) {
      // The line is a courtesy: it must not keep anybody waiting.
      log.warn('the waiting line cannot be reached', { 'video.id': task.record.id, error: String(error) });
      return { place: {} };
    }
  }

  /** What can be seen at this moment: from here on nobody is told less. */
  #keepProgress(now) {
    const task = this.#task;
    task.record = { ...recordAt(task, now) };
    if (task.phase.name === 'running') task.endsAt = now + toCome(task, now);
  }

  async #answered() {
    await this.#until(({ answerable }) => answerable, SUBMIT_MS);
    return recordAt(this.#task, Date.now());
  }

  async #until(isSo, ms) {
    const deadline = Date.now() + ms;
    while (this.#task && !isSo(this.#task)) {
      const left = deadline - Date.now();
      if (left <= 0) return;
      const { promise, resolve } = Promise.withResolvers();
      const timer = setTimeout(resolve, left);
      this.#waiting.push(resolve);
      await promise;
      clearTimeout(timer);
    }
  }

  #moved() {
    const { id, status, stage } = this.#task.record;
    log.info('a video moved', { 'video.id': id, status, stage });
  }

  /** Task and alarm are written as one: no await lies in between. */
  async #persist() {
    const { kv } = this.ctx.storage;
    kv.put('task', this.#task);
    const alarm = nextAlarm(this.#task);
    const set = Number.isFinite(alarm) ? this.ctx.storage.setAlarm(alarm) : this.ctx.storage.deleteAlarm();
    for (const resolve of this.#waiting.splice(0)) resolve();
    await set;
  }
}

const nextAlarm = ({ wakeAt, chores }) => Math.min(wakeAt, ...Object.values(chores).map(({ due }) => due));

const ownedOf = ({ owner, record: { id, created_at } }) => ({ id, owner, createdAt: created_at });

const kindOf = ({ resolution, duration }) => `${resolution}/${duration}`;

/** What was charged, in micro-dollars; nothing where there was no charge. */
const microsOf = ({ cost_usd }) => Math.ceil(Number(cost_usd ?? 0) * 1e6);
