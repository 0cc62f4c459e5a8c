// The JavaScript half of promise.rs. A slot is where the wasm keeps whoever waits for a promise.

/** What the newest instance of the wasm has to be told. Promises tell the one that asked. */
let settled;

/** @param tell called with the slot, whether the promise was kept, and what came of it */
export function onSettled(tell) {
  settled = tell;
}

export function settle(promise, slot) {
  const tell = settled;
  promise.then(
    (value) => tell(slot, true, value),
    (error) => tell(slot, false, error),
  );
}

export function startTimer(ms, slot) {
  return setTimeout(settled, ms, slot, true);
}

const ignore = () => {};

/** To nobody, whatever comes of it. */
export function forget(promise) {
  promise.catch(ignore);
}
