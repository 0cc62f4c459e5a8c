// The load of `PARTS=dispatcher`: so many videos have a slot, so many wait, so many have ended; then whole lives of videos,
// pages of lists and positions.

import { copyRows } from './copy-rows.ts';
import {
  acquireSlot,
  forget,
  list,
  listAll,
  position,
  report,
  reserve,
  slotReply,
  type TaskQuestion,
  taskAnswer,
  type VideoFacts,
} from './dispatcher-messages.ts';
import { alarm, type Sql } from './instrument.ts';
import type { Target } from './target.ts';
import { clientName, complete, newVideo, Random } from './videos.ts';

export interface Fill {
  clients: number;
  active: number;
  waiting: number;
  ended: number;
}

export const ROUNDS = ['lives', 'positions', 'list pages', 'operator pages'] as const;
export type Round = (typeof ROUNDS)[number];

const RETENTION_SECONDS = 86_400;
const RECONCILE_MS = 600_000;

export class Load {
  readonly #target: Target;
  readonly #fill: Fill;
  readonly #random = new Random(1);
  /** Those with a slot, the oldest first. */
  #active: VideoFacts[] = [];
  readonly #waiting = new Map<string, VideoFacts>();
  /** The queued videos in any order, for random positions; some may have left the queue. */
  #queued: string[] = [];
  /** Those that the dispatcher has granted a slot, and that have not confirmed it. */
  #granted: VideoFacts[] = [];

  constructor(target: Target, fill: Fill) {
    this.#target = target;
    this.#fill = fill;
  }

  /** Sends what has led to this state; of the ended videos only the first one, of which the others are copies. */
  async fill(sql: Sql): Promise<void> {
    const { active, waiting, ended } = this.#fill;
    if (ended > 0) {
      const first = await this.#placed(true);
      await this.#end(first, false);
      copyRows(sql, first.id, ended - 1);
    }
    for (let at = 0; at < active; at++) this.#active.push(await this.#placed(true));
    for (let at = 0; at < waiting; at++) await this.#placed(false);
  }

  async run(round: Round, count: number): Promise<void> {
    const owner = () => clientName(this.#random.below(this.#fill.clients));
    const rounds: Record<Round, () => Promise<unknown>> = {
      lives: () => (this.#fill.waiting > 0 ? this.#lifeThroughQueue() : this.#life()),
      positions: () => this.#target.send(position(this.#anyWaiting())),
      'list pages': () => this.#target.send(list(owner())),
      'operator pages': () => this.#target.send(listAll()),
    };
    for (let at = 0; at < count; at++) await rounds[round]();
  }

  /** Answers the dispatcher in place of a video's object. */
  answer(id: string, { kind }: TaskQuestion): string {
    const waiting = this.#waiting.get(id);
    if (kind === 'SlotGranted' && waiting) {
      this.#waiting.delete(id);
      this.#granted.push(waiting);
    }
    return taskAnswer({ needsSlot: true, nextCheckAt: Date.now() + RECONCILE_MS, existence: 'unfinished' });
  }

  async #reserved(isGranted: boolean): Promise<VideoFacts> {
    const video = this.#newVideo();
    await this.#target.send(reserve(video));
    return this.#placed(isGranted, video);
  }

  #newVideo(): VideoFacts {
    const owner = clientName(this.#random.below(this.#fill.clients));
    return newVideo(this.#random, owner, Date.now());
  }

  /** The dispatcher reserves the price by itself, unless it is reserved. */
  async #placed(isGranted: boolean, video = this.#newVideo()): Promise<VideoFacts> {
    const reply = slotReply(await this.#target.send(acquireSlot(video)));
    if (reply.granted !== isGranted)
      throw new Error(`a job was ${reply.granted ? '' : 'not '}granted a slot`);
    if (!isGranted) {
      this.#waiting.set(video.id, video);
      this.#queued.push(video.id);
    }
    return video;
  }

  /** There are free slots. */
  async #life(): Promise<void> {
    await this.#end(await this.#reserved(true), true);
  }

  /** A new job is queued; the oldest one with a slot ends, so the next one in the queue starts. */
  async #lifeThroughQueue(): Promise<void> {
    await this.#reserved(false);
    const [oldest] = this.#active.splice(0, 1);
    if (!oldest) throw new Error('no job has a slot');
    await this.#end(oldest, true, async () => {
      if (alarm.at === null || alarm.at > Date.now()) throw new Error('no slot was granted');
      await this.#target.alarm();
      const [next] = this.#granted.splice(0, 1);
      if (!next) throw new Error('no job was told of its slot');
      const reply = slotReply(await this.#target.send(acquireSlot(next)));
      if (!reply.granted) throw new Error('the slot was not kept for its job');
      this.#active.push(next);
    });
  }

  async #end(video: VideoFacts, isForgotten: boolean, onReleased = async () => {}): Promise<void> {
    complete(video, 60_000 + this.#random.below(120_000), video.createdAt + RETENTION_SECONDS);
    await this.#target.send(report(video, { slot: true, ended: false }));
    await onReleased();
    await this.#target.send(report(video, { slot: false, ended: true }));
    if (isForgotten) await this.#target.send(forget(video));
  }

  #anyWaiting(): string {
    if (this.#queued.length > 2 * this.#waiting.size) this.#queued = [...this.#waiting.keys()];
    for (;;) {
      const id = this.#queued[this.#random.below(this.#queued.length)];
      if (id === undefined) throw new Error('no job waits');
      if (this.#waiting.has(id)) return id;
    }
  }
}
