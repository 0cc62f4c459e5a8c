// Simulated time. It runs `speed` times as fast as the wall clock; changing the speed re-arms what is pending.

interface Timer {
  due: number;
  action: () => void;
  handle: NodeJS.Timeout | undefined;
}

export class Clock {
  readonly #timers = new Set<Timer>();
  #speed: number;
  #realOrigin = performance.now();
  #simulatedOrigin = 0;
  #stopped = false;

  constructor(speed: number) {
    this.#speed = checked(speed);
  }

  get speed(): number {
    return this.#speed;
  }

  /** 0 freezes time. */
  set speed(speed: number) {
    this.#simulatedOrigin = this.now();
    this.#realOrigin = performance.now();
    this.#speed = checked(speed);
    for (const timer of this.#timers) this.#arm(timer);
  }

  /** Simulated seconds since this clock was made. */
  now(): number {
    return this.#simulatedOrigin + ((performance.now() - this.#realOrigin) / 1000) * this.#speed;
  }

  /** Runs `action` after this many simulated seconds; the returned function cancels it. */
  after(seconds: number, action: () => void): () => void {
    const timer: Timer = { due: this.now() + seconds, action, handle: undefined };
    if (!this.#stopped) {
      this.#timers.add(timer);
      this.#arm(timer);
    }
    return () => this.#drop(timer);
  }

  /** Resolves after this many simulated seconds, or never if the clock stops. */
  pause(seconds: number): Promise<void> {
    return new Promise((resolve) => this.after(seconds, resolve));
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) this.#drop(timer);
  }

  #arm(timer: Timer): void {
    clearTimeout(timer.handle);
    if (this.#speed === 0) return;
    const delay = Math.max(0, ((timer.due - this.now()) * 1000) / this.#speed);
    timer.handle = setTimeout(() => this.#fire(timer), delay);
    timer.handle.unref();
  }

  #fire(timer: Timer): void {
    if (this.now() < timer.due) {
      this.#arm(timer); // Node's timers may come a millisecond early
    } else {
      this.#timers.delete(timer);
      timer.action();
    }
  }

  #drop(timer: Timer): void {
    clearTimeout(timer.handle);
    this.#timers.delete(timer);
  }
}

function checked(speed: number): number {
  if (!Number.isFinite(speed) || speed < 0) throw new RangeError(`speed must be 0 or more, not ${speed}`);
  return speed;
}
