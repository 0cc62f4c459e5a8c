// Events by their time, the earliest first: a binary heap.

export class EventHeap<T> {
  readonly #times: number[] = [];
  readonly #events: T[] = [];

  /** Infinity if there is none. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  push(at: number, event: T): void {
    let place = this.#times.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#timeOf(above) <= at) break;
      this.#move(above, place);
      place = above;
    }
    this.#times[place] = at;
    this.#events[place] = event;
  }

  /** There must be one. */
  pop(): T {
    const first = this.#events[0] as T;
    const at = this.#times.pop() as number;
    const event = this.#events.pop() as T;
    const length = this.#times.length;
    if (length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= length) break;
      if (below + 1 < length && this.#timeOf(below + 1) < this.#timeOf(below)) below += 1;
      if (this.#timeOf(below) >= at) break;
      this.#move(below, place);
      place = below;
    }
    this.#times[place] = at;
    this.#events[place] = event;
    return first;
  }

  #timeOf(place: number): number {
    return this.#times[place] as number;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#timeOf(from);
    this.#events[to] = this.#events[from] as T;
  }
}
