// The clock of the Worker: simulated once it is set. Rust reads `Date.now`, and nothing else.

/** The clock of this machine, in milliseconds. */
export const realNow = Date.now;

let simulated: number | undefined;

export function setClock(millis: number): void {
  simulated = millis;
}

Date.now = () => simulated ?? realNow();
