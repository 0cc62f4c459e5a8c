// Made-up videos of made-up clients, as the dispatcher is told about them.
import { MODELS, type VideoFacts } from './dispatcher-messages.ts';

const ID_CHARS = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 40;

/** Micro-dollars. */
export const PRICE = 280_000;

/** The formats of videos, and their prices in PRICES_USD. */
export const KINDS = MODELS.map((model) => `${model}:768P/6`);
export const PRICES_USD = '768P/6=0.28,hailuo-2.3-fast:768P/6=0.28';

export const clientName = (index: number) => `client-${String(index + 1).padStart(3, '0')}`;

/** Random numbers that are the same in every run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to but without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Around 0, with a standard deviation of 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  id(): string {
    let id = 'vid_';
    for (let at = 0; at < ID_LENGTH; at++) id += ID_CHARS[this.below(ID_CHARS.length)];
    return id;
  }
}

/** A video of this client that was just submitted. */
export function newVideo(random: Random, owner: string, now: number): VideoFacts {
  const model = random.below(MODELS.length);
  return {
    id: random.id(),
    owner,
    createdAt: Math.floor(now / 1000),
    model: ['hailuo-2.3', 'hailuo-2.3-fast'][model] ?? '',
    kind: KINDS[model] ?? '',
    needsSlot: true,
    generationTime: null,
    cost: null,
    ending: null,
    expiresAt: null,
  };
}

/** The video has ended well after this time. */
export function complete(facts: VideoFacts, generationTime: number, expiresAt: number): void {
  facts.needsSlot = false;
  facts.generationTime = Math.round(generationTime);
  facts.cost = PRICE;
  facts.ending = { status: 'completed', code: null, seconds: 6 };
  facts.expiresAt = expiresAt;
}
