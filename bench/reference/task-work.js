// The work of an alarm: all due effects; each step is stored before it is performed.
import { copy } from './copy.js';
import { dispatcherOf } from './dispatcher.js';
import { log } from './log.js';
import { publish } from './records.js';
import { GUARD_MS } from './task-state.js';
import * as wiro from './wiro.js';

const LINE_CHECK_MS = 60_000;
const MIN_CHECK_MS = 1000;

/** Until nothing is due any more. */
export async function work(state, env, settings) {
  const steps = new Steps(state, env, settings);
  while (state.task && (state.ready.size > 0 || state.nextAlarm <= Date.now())) await steps.step(Date.now());
}

/** One for each phase, by its name. */
class Steps {
  constructor(state, env, settings) {
    Object.assign(this, { state, env, settings });
  }

  /** One thing that is due, its guard stored before it is done. */
  async step(now) {
    const { chores, phase } = this.state.task;
    const [ready] = this.state.ready;
    const chore = ready ?? Object.keys(chores).find((name) => chores[name].due <= now);
    if (chore) return this.#do(chore, now);
    this.state.task.wakeAt = now + GUARD_MS;
    return this[phase.name](now);
  }

  /** The image was never stored. */
  receiving() {
    return this.state.clear();
  }

  async waiting(now) {
    const task = this.state.task;
    if (now >= task.record.created_at * 1000 + 999 + this.settings.taskDeadlineMs) {
      return this.#fail('upstream_unavailable', 'The upstream did not accept the job. Try again later.');
    }
    await this.state.persist();
    const { attempts } = task.phase;
    const { place, position } = await this.#enter(task);
    if (!place) {
      task.phase = { name: 'inLine', attempts };
      task.wakeAt = Date.now() + LINE_CHECK_MS;
      task.record.queue_position = position;
      this.state.becomeAnswerable();
      return this.state.persist();
    }
    task.pace = place.pace;
    task.record.queue_position = null;
    return this.placed();
  }

  inLine(now) {
    return this.waiting(now);
  }

  /** The intent is stored before Run is sent. */
  async placed() {
    const task = this.state.task;
    const { attempts } = task.phase;
    task.phase = { name: 'submitting', attempts };
    task.wakeAt = Date.now() + GUARD_MS;
    await this.state.persist();
    const { job, retryAfterMs, refusal } = await wiro.run(this.env, this.settings, task);
    if (job) {
      this.#start(job);
    } else if (refusal) {
      return this.#fail(refusal.code, refusal.message);
    } else if (retryAfterMs !== undefined) {
      task.phase = { name: 'placed', attempts: attempts + 1 };
      task.wakeAt = Date.now() + Math.max(retryAfterMs, this.settings.retry.jittered(attempts));
    } else {
      this.#loseRunAnswer();
    }
    this.state.becomeAnswerable();
    return this.state.persist();
  }

  /** The object crashed during Run: the job may have started, so Run is never sent again. */
  async submitting() {
    this.#loseRunAnswer();
    return this.state.persist();
  }

  async unknown() {
    const task = this.state.task;
    await this.state.persist();
    task.nudged = false;
    const job = await wiro.search(this.settings, task);
    const { phase } = task;
    if (job) {
      task.nudged = true;
      this.#start(job);
    } else if (Date.now() >= phase.since + this.settings.taskDeadlineMs) {
      return this.#fail('submission_unknown', "The upstream's answer was lost and no job was found.");
    } else {
      phase.searches += 1;
      task.wakeAt = Date.now() + (task.nudged ? MIN_CHECK_MS : this.settings.poll.step(phase.searches));
    }
    return this.state.persist();
  }

  async running(now) {
    const task = this.state.task;
    const { phase } = task;
    phase.checkedAt = now;
    if (task.nudged) phase.eager = 0;
    task.nudged = false;
    await this.state.persist();
    const { source, failed, cancelled, status, cost, reason } = await wiro.check(
      this.settings,
      task.record.id,
      phase.job,
    );
    if (source) {
      const since = Date.now();
      this.state.keepProgress(since);
      task.phase = { name: 'storing', since, attempts: 0, source, job: phase.job };
      Object.assign(task.record, { cost_usd: cost, stage: 'storing' });
      task.wakeAt = since;
      this.state.moved();
      this.state.owe('leave');
      return this.state.persist();
    }
    if (failed || cancelled) task.record.cost_usd = cost && Number(cost) > 0 ? cost : null;
    if (failed) {
      const message = reason
        ? `The model ended without a video: ${reason}`
        : 'The model ended without a video. Try another prompt or image.';
      return this.#fail('generation_failed', message);
    }
    if (cancelled) return this.#end('cancelled');
    return this.#checkAgain(status);
  }

  #checkAgain(status) {
    const task = this.state.task;
    const { phase } = task;
    const now = Date.now();
    const deadline = phase.since + this.settings.taskDeadlineMs;
    if (now >= deadline) {
      return this.#fail('upstream_timeout', 'The upstream did not finish the job in time.');
    }
    phase.checks += 1;
    let wait = this.settings.poll.step(phase.checks);
    if (task.nudged) wait = Math.min(wait, MIN_CHECK_MS);
    else if (phase.eager !== undefined) wait = Math.min(wait, this.settings.retry.jittered(phase.eager++));
    task.wakeAt = Math.min(now + wait, deadline);
    this.state.keepProgress(now);
    if (status && status !== task.record.stage) {
      task.record.stage = status;
      this.state.moved();
    }
    return this.state.persist();
  }

  async storing() {
    const task = this.state.task;
    const { phase, record } = task;
    await this.state.persist();
    const output = await copy(this.env, this.settings, record.id, phase.source);
    const now = Date.now();
    if (output) {
      record.output = output;
      return this.#end('completed');
    }
    const deadline = phase.since + this.settings.copyDeadlineMs;
    if (now >= deadline) {
      return this.#fail('storage_failed', 'The finished video could not be stored.');
    }
    task.wakeAt = Math.min(now + this.settings.retry.jittered(phase.attempts++), deadline);
    return this.state.persist();
  }

  /** Pending work, repeated until it succeeds. */
  async #do(chore, now) {
    const task = this.state.task;
    const owed = task.chores[chore];
    this.state.ready.delete(chore);
    if (owed.due <= now) {
      owed.due = now + GUARD_MS;
      await this.state.persist();
    }
    const { record, owner, phase } = task;
    try {
      if (chore === 'publish') await publish(this.env, record, owner, this.settings.retentionSeconds);
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
      owed.due = Date.now() + this.settings.retry.jittered(owed.failures++);
    }
    await this.state.persist();
  }

  #start(job) {
    const task = this.state.task;
    const now = Date.now();
    task.phase = { name: 'running', since: now, checks: 0, checkedAt: now, job };
    task.wakeAt = task.nudged ? now : now + this.settings.poll.step(0);
    Object.assign(task, { begunAt: now, endsAt: undefined });
    Object.assign(task.record, {
      started_at: Math.floor(now / 1000),
      status: 'in_progress',
      stage: 'task_queue',
    });
    this.state.keepProgress(now);
    this.state.moved();
  }

  #loseRunAnswer() {
    const task = this.state.task;
    const now = Date.now();
    task.phase = { name: 'unknown', since: now, searches: 0 };
    task.wakeAt = task.nudged ? now : now + this.settings.poll.step(0);
    Object.assign(task.record, { started_at: Math.floor(now / 1000), status: 'in_progress' });
    this.state.moved();
  }

  #fail(code, message) {
    this.state.task.record.error = { code, message };
    return this.#end('failed');
  }

  #end(status) {
    const task = this.state.task;
    const needsPlace = task.phase.name !== 'storing';
    const completed_at = Math.floor(Date.now() / 1000);
    const expires_at = completed_at + this.settings.retentionSeconds;
    Object.assign(task.record, { status, stage: 'done', completed_at, expires_at, queue_position: null });
    if (status === 'completed') task.record.progress = 100;
    task.phase = { name: 'ended' };
    Object.assign(task, { wakeAt: Number.POSITIVE_INFINITY, answerable: true });
    this.state.moved();
    if (needsPlace) this.state.owe('leave');
    this.state.owe('publish');
    return this.state.persist();
  }

  async #enter(task) {
    try {
      return await dispatcherOf(this.env).enter(ownedOf(task), kindOf(task.record.input));
    } catch (error) {
      // The queue is not needed here, so its failure must not stop the job.
      log.warn('the waiting line cannot be reached', { 'video.id': task.record.id, error: String(error) });
      return { place: {} };
    }
  }
}

const ownedOf = ({ owner, record: { id, created_at } }) => ({ id, owner, createdAt: created_at });

const kindOf = ({ resolution, duration }) => `${resolution}/${duration}`;

/** What was charged, in micro-dollars; nothing where there was no charge. */
const microsOf = ({ cost_usd }) => Math.ceil(Number(cost_usd ?? 0) * 1e6);
