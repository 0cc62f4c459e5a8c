// The objects of the simulated videos: what src/video/lifecycle/ makes of them, as far as the dispatcher notices.
import {
  acquireSlot,
  type Ending,
  forget,
  type Message,
  position,
  report,
  type SlotReport,
  slotReply,
  type TaskQuestion,
  type VideoFacts,
} from '../dispatcher/dispatcher-messages.ts';
import { PRICE, type Random } from '../dispatcher/videos.ts';
import type { Gauges } from './hour.ts';
import type { Entry, Money } from './money.ts';
import {
  COPY_DELAY,
  generationTime,
  MAX_QUEUE_CHECK_INTERVAL,
  POLL_INTERVAL,
  QUEUE_CHECK_INTERVAL,
  RECONCILE_INTERVAL,
  RETENTION,
  RUN_DELAY,
  SECOND,
  SHARES,
  STEP_DELAY,
  STOP_DELAY,
  TASK_DEADLINE,
} from './scenario.ts';

type Phase = 'waiting' | 'queued' | 'running' | 'stopping' | 'storing' | 'ended' | 'removing' | 'gone';

export interface Video {
  facts: VideoFacts;
  phase: Phase;
  /** Infinity if nothing is due. */
  wakeAt: number;
  /** Only the event with this number is its alarm; the others were replaced. */
  alarm: number;
  isAlarmLost: boolean;
  isDeleted: boolean;
  owesSlot: boolean;
  owesEnd: boolean;
  /** Whether the dispatcher has it in the queue or gave it a slot. */
  isKnown: boolean;
  /** Whether its slot is confirmed. */
  hasSlot: boolean;
  firstAskedAt: number;
  entry: Entry;
  isCounted: boolean;
}

/** What the model needs of the simulation. */
export interface World {
  readonly random: Random;
  readonly money: Money;
  readonly gauges: Gauges;
  now(): number;
  send(message: Message): Promise<unknown>;
  /** Sets the alarm of a video, or loses it. */
  setAlarm(video: Video, at: number): void;
  poll(video: Video, at: number): void;
  forgetVideo(video: Video): void;
  problem(text: string): void;
}

export interface Totals {
  accepted: number;
  /** Those that the dispatcher was told of after their price was reserved: usage counts them. */
  counted: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** With a slot that they have confirmed. */
  active: number;
  queued: number;
  /** In the dispatcher's queue or with a slot, confirmed or not. */
  known: number;
}

export class VideoModel {
  readonly totals: Totals = {
    accepted: 0,
    counted: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    active: 0,
    queued: 0,
    known: 0,
  };
  readonly #world: World;
  readonly #maxActive: number;

  constructor(world: World, maxActive: number) {
    this.#world = world;
    this.#maxActive = maxActive;
  }

  /** A video whose price is reserved. */
  accept(facts: VideoFacts): Video {
    this.totals.accepted += 1;
    const video: Video = {
      facts,
      phase: 'waiting',
      wakeAt: this.#world.now() + STEP_DELAY,
      alarm: 0,
      isAlarmLost: false,
      isDeleted: false,
      owesSlot: false,
      owesEnd: false,
      isKnown: false,
      hasSlot: false,
      firstAskedAt: 0,
      entry: 'reserved',
      isCounted: false,
    };
    this.#world.setAlarm(video, video.wakeAt);
    return video;
  }

  async onAlarm(video: Video): Promise<void> {
    const { phase } = video;
    if (phase === 'gone') return;
    for (;;) {
      await this.#report(video);
      if (video.wakeAt > this.#world.now()) break;
      await this.#step(video);
      if (video.phase === 'gone') return;
    }
    this.#world.setAlarm(video, video.wakeAt);
  }

  cancel(video: Video): void {
    if (video.phase === 'waiting' || video.phase === 'queued') {
      this.#end(video, { status: 'cancelled', code: null, seconds: 0 }, 0);
      this.#world.setAlarm(video, this.#world.now());
    } else if (video.phase === 'running') {
      this.#stop(video);
    }
  }

  delete(video: Video): void {
    if (video.isDeleted || video.phase === 'gone' || video.phase === 'removing') return;
    video.isDeleted = true;
    if (video.phase === 'running') {
      this.#stop(video);
    } else if (video.phase !== 'stopping') {
      if (video.phase === 'waiting' || video.phase === 'queued') video.facts.cost = 0;
      this.#remove(video);
    }
  }

  /** Its client reads the status of a queued video, and again later. */
  async poll(video: Video): Promise<void> {
    if (video.phase !== 'queued') return;
    const place = await this.#world.send(position(video.facts.id));
    // Its slot was granted, or its place was lost: either way it asks again.
    if (place === null) this.#wake(video, this.#world.now() + STEP_DELAY);
    this.#world.poll(video, this.#world.now() + POLL_INTERVAL);
  }

  /** Answers the dispatcher. */
  answer(video: Video, question: TaskQuestion): SlotReport {
    const now = this.#world.now();
    if (question.kind === 'SlotGranted') {
      if (video.phase === 'queued') this.#wake(video, now + STEP_DELAY);
    } else {
      this.#world.gauges.swept += 1;
      if (video.phase === 'ended' && isOver(video, question.asOf)) this.#remove(video);
      else if (video.isAlarmLost) this.#world.setAlarm(video, dueAt(video, now));
    }
    const isOfSlot = ['waiting', 'queued', 'running', 'stopping'].includes(video.phase);
    const expiresAt = video.phase === 'ended' ? video.facts.expiresAt : null;
    const nextCheckAt = expiresAt === null ? now + RECONCILE_INTERVAL : expiresAt * SECOND;
    const { phase } = video;
    const existence = phase === 'ended' || phase === 'removing' ? phase : 'unfinished';
    return { needsSlot: isOfSlot, nextCheckAt, existence };
  }

  async #step(video: Video): Promise<void> {
    const { random } = this.#world;
    video.wakeAt = Number.POSITIVE_INFINITY;
    switch (video.phase) {
      case 'waiting':
      case 'queued':
        return this.#askForSlot(video);
      case 'running':
        video.facts.cost = random.chance(SHARES.unknownCost) ? null : PRICE;
        if (random.chance(SHARES.failed)) {
          return this.#end(video, { status: 'failed', code: 'generation_failed', seconds: 0 }, 0);
        }
        video.phase = 'storing';
        video.wakeAt = this.#world.now() + COPY_DELAY;
        this.#releaseSlot(video);
        return;
      case 'stopping':
        this.#end(video, { status: 'cancelled', code: null, seconds: 0 }, 0);
        if (video.isDeleted) this.#remove(video);
        return;
      case 'storing':
        return this.#end(video, { status: 'completed', code: null, seconds: 6 }, video.facts.cost);
      case 'ended':
        return this.#remove(video);
      case 'removing':
        return this.#forget(video);
    }
  }

  async #askForSlot(video: Video): Promise<void> {
    const { random, gauges } = this.#world;
    const now = this.#world.now();
    const { totals } = this;
    if (now >= video.facts.createdAt * SECOND + 999 + TASK_DEADLINE) {
      this.#end(video, { status: 'failed', code: 'upstream_unavailable', seconds: 0 }, 0);
      return;
    }
    video.firstAskedAt ||= now;
    const reply = slotReply(await this.#sendOnceOrTwice(acquireSlot(video.facts)));
    this.#count(video);
    this.#setKnown(video, true);
    if (!reply.granted) {
      if (video.phase === 'waiting') {
        totals.queued += 1;
        if (random.chance(SHARES.polled)) this.#world.poll(video, now + POLL_INTERVAL);
      }
      video.phase = 'queued';
      const furtherBack = ((reply.position ?? 0) / 10) * SECOND;
      video.wakeAt = now + Math.min(QUEUE_CHECK_INTERVAL + furtherBack, MAX_QUEUE_CHECK_INTERVAL);
      gauges.queued = Math.max(gauges.queued, totals.queued);
      return;
    }
    if (video.phase === 'queued') totals.queued -= 1;
    video.hasSlot = true;
    totals.active += 1;
    if (totals.active > this.#maxActive) this.#world.problem(`${totals.active} jobs have a slot`);
    gauges.active = Math.max(gauges.active, totals.active);
    gauges.longestWait = Math.max(gauges.longestWait, now - video.firstAskedAt);
    video.phase = 'running';
    if (random.chance(SHARES.refused)) {
      this.#end(video, { status: 'failed', code: 'upstream_rejected', seconds: 0 }, 0);
      return;
    }
    const took = generationTime(random);
    video.facts.generationTime = took;
    video.wakeAt = now + RUN_DELAY + took;
  }

  #stop(video: Video): void {
    video.phase = 'stopping';
    video.facts.generationTime = null;
    this.#wake(video, this.#world.now() + STOP_DELAY);
  }

  #end(video: Video, ending: Ending, cost: number | null): void {
    const { facts } = video;
    if (facts.needsSlot) {
      if (video.phase === 'queued') this.totals.queued -= 1;
      if (ending.status !== 'completed') facts.generationTime = null;
      this.#releaseSlot(video);
    }
    video.phase = 'ended';
    video.owesEnd = true;
    facts.ending = ending;
    facts.cost = cost;
    facts.expiresAt = Math.floor((this.#world.now() + RETENTION) / SECOND);
    video.wakeAt = facts.expiresAt * SECOND;
  }

  #releaseSlot(video: Video): void {
    video.facts.needsSlot = false;
    video.owesSlot = true;
  }

  #remove(video: Video): void {
    if (video.phase === 'queued') this.totals.queued -= 1;
    video.phase = 'removing';
    this.#wake(video, this.#world.now());
  }

  /** Pending work is sent until it is answered. */
  async #report(video: Video): Promise<void> {
    if (!video.owesSlot && !video.owesEnd) return;
    if (video.phase === 'removing') return;
    await this.#sendOnceOrTwice(report(video.facts, { slot: video.owesSlot, ended: video.owesEnd }));
    this.#count(video);
    if (video.owesSlot) {
      video.entry = this.#world.money.settle(video.entry, video.facts.cost);
      this.#leaveSlot(video);
    }
    if (video.owesEnd) this.#countEnd(video.facts.ending);
    video.owesSlot = video.owesEnd = false;
  }

  async #forget(video: Video): Promise<void> {
    const { money, gauges } = this.#world;
    await this.#sendOnceOrTwice(forget(video.facts));
    video.entry = money.forget(money.settle(video.entry, video.facts.cost));
    this.#leaveSlot(video);
    // The dispatcher was not told of its end: then it counts as cancelled.
    if (video.isCounted && (video.owesEnd || video.facts.ending === null)) this.totals.cancelled += 1;
    if (video.facts.expiresAt !== null && !video.isDeleted) {
      const overdue = this.#world.now() - video.facts.expiresAt * SECOND;
      if (overdue < 0) this.#world.problem('a video was removed before its time');
      gauges.longestOverdue = Math.max(gauges.longestOverdue, overdue);
    }
    gauges.removed += 1;
    video.phase = 'gone';
    this.#world.forgetVideo(video);
  }

  /** The slot, or the place in the queue, is free now. */
  #leaveSlot(video: Video): void {
    if (video.hasSlot) this.totals.active -= 1;
    video.hasSlot = false;
    this.#setKnown(video, false);
  }

  #setKnown(video: Video, isKnown: boolean): void {
    if (video.isKnown !== isKnown) this.totals.known += isKnown ? 1 : -1;
    video.isKnown = isKnown;
  }

  #count(video: Video): void {
    if (!video.isCounted) this.totals.counted += 1;
    video.isCounted = true;
  }

  #countEnd(ending: Ending | null): void {
    if (ending) this.totals[ending.status] += 1;
  }

  #wake(video: Video, at: number): void {
    video.wakeAt = Math.min(video.wakeAt, at);
    this.#world.setAlarm(video, video.wakeAt);
  }

  async #sendOnceOrTwice(message: Message): Promise<unknown> {
    if (this.#world.random.chance(SHARES.repeated)) await this.#world.send(message);
    return this.#world.send(message);
  }
}

/** Pending work is due at once. */
function dueAt({ owesSlot, owesEnd, wakeAt }: Video, now: number): number {
  return owesSlot || owesEnd ? now : Math.max(now, wakeAt);
}

function isOver({ facts: { expiresAt } }: Video, asOf: number): boolean {
  return expiresAt !== null && expiresAt <= Math.floor(asOf / SECOND);
}
