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
    (value) => pass(tell, slot, true, value),
    (error) => pass(tell, slot, false, error),
  );
}

export function startTimer(ms, slot) {
  return setTimeout(pass, ms, settled, slot, true);
}

/** What goes wrong in there must not end as some promise's rejection: whoever looks after the wasm has to see it. */
function pass(tell, slot, isKept, value) {
  // An instance that trapped has nobody left who waits.
  if (tell !== settled) return;
  try {
    tell(slot, isKept, value);
  } catch (error) {
    // An exception that went through the wasm leaves it as a trap does, in the middle of something.
    const trap = error instanceof WebAssembly.RuntimeError ? error : new WebAssembly.RuntimeError(`${error}`);
    queueMicrotask(() => {
      throw trap;
    });
  }
}
