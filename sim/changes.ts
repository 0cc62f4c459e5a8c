// Waits for a condition: it is checked again after every announced change, never by polling.

export class Changes {
  readonly #waiters = new Set<() => void>();

  /** Resolves with the first result of `find`, now or after a change. */
  until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const found = find();
        if (found === undefined) return;
        this.#waiters.delete(check);
        resolve(found);
      };
      this.#waiters.add(check);
      check();
    });
  }

  announce(): void {
    for (const check of this.#waiters) check();
  }
}
