// Waiting for something to come about: looked for again whenever a change is announced, never by polling.

export class Changes {
  readonly #waiters = new Set<() => void>();

  /** Resolves with the first thing `find` finds, now or after a change. */
  until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        this.#waiters.delete(look);
        resolve(found);
      };
      this.#waiters.add(look);
      look();
    });
  }

  announce(): void {
    for (const look of this.#waiters) look();
  }
}
