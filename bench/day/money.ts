// What the budget should hold, counted apart from the dispatcher.
import { PRICE } from '../dispatcher/videos.ts';

export type Entry = 'none' | 'reserved' | 'spent' | 'assumed';

export class Money {
  /** Micro-dollars. */
  reserved = 0;
  spent = 0;
  most = 0;

  reserve(entry: Entry): Entry {
    if (entry !== 'none') return entry;
    this.reserved += PRICE;
    this.most = Math.max(this.most, this.reserved + this.spent);
    return 'reserved';
  }

  /** The reservation of a video that was never accepted. */
  release(): void {
    this.reserved -= PRICE;
  }

  /** A job has released its slot; a cost is null, nothing, or the price. */
  settle(entry: Entry, cost: number | null): Entry {
    if (cost === null || entry !== 'reserved') return entry;
    this.reserved -= PRICE;
    this.spent += cost;
    return cost === 0 ? 'none' : 'spent';
  }

  /** The video is removed: an unknown cost counts as spent. */
  forget(entry: Entry): Entry {
    if (entry !== 'reserved') return entry;
    this.reserved -= PRICE;
    this.spent += PRICE;
    return 'assumed';
  }
}
