// One dispatcher that is sent messages one after the other, and what each kind of message costs.

import { realNow } from './clock.ts';
import { answerOf, type Message } from './dispatcher-messages.ts';
import { type Rows, takeRows } from './instrument.ts';

export interface KindCost extends Rows {
  calls: number;
  /** Milliseconds of this machine's clock, which counts whole ones: only sums of many calls are exact. */
  wallMs: number;
}

/** How a message reaches the dispatcher. */
export interface Way {
  /** Returns the text of the answer when everything that the message wrote is stored. */
  send(text: string): Promise<string>;
  /** Runs the alarm. */
  alarm(): Promise<void>;
}

export class Target {
  /** Belongs to one request: the runtime lets no other request use it. */
  way: Way;
  #costs = new Map<string, KindCost>();

  constructor(way: Way) {
    this.way = way;
  }

  async send([kind, text]: Message): Promise<unknown> {
    return answerOf(await this.#measured(kind, () => this.way.send(text)));
  }

  alarm(): Promise<void> {
    return this.#measured('alarm', () => this.way.alarm());
  }

  /** Since the last call. */
  takeCosts(): Map<string, KindCost> {
    const costs = this.#costs;
    this.#costs = new Map();
    return costs;
  }

  async #measured<T>(kind: string, act: () => Promise<T>): Promise<T> {
    const began = realNow();
    const result = await act();
    const wallMs = realNow() - began;
    const { statements, read, written } = takeRows();
    const cost = this.#costs.get(kind) ?? { calls: 0, wallMs: 0, statements: 0, read: 0, written: 0 };
    cost.calls += 1;
    cost.wallMs += wallMs;
    cost.statements += statements;
    cost.read += read;
    cost.written += written;
    this.#costs.set(kind, cost);
    return result;
  }
}
