// Delays between retries, in seconds; the last one repeats.

export class Ladder {
  constructor(text) {
    this.steps = text.split(',').map((seconds) => Number(seconds) * 1000);
  }

  /** Milliseconds after so many earlier tries. */
  step(attempt) {
    return this.steps[Math.min(attempt, this.steps.length - 1)];
  }

  /** Spread by a fifth to either side; in whole milliseconds, as alarms are: one that is early finds nothing to do. */
  jittered(attempt) {
    return Math.round(this.step(attempt) * (0.8 + 0.4 * Math.random()));
  }
}
