// The JavaScript half of promise.rs. The wasm keeps the waker of each promise in an entry, which has an index.

/** The callback of the newest wasm instance. A promise calls the callback of the instance that waits for it. */
let currentCallback;

/** @param callback called with the index, whether the promise was fulfilled, and its value or error */
export function onSettled(callback) {
  currentCallback = callback;
}

export function settle(promise, index) {
  const callback = currentCallback;
  promise.then(
    (value) => pass(callback, index, true, value),
    (error) => pass(callback, index, false, error),
  );
}

export function startTimer(ms, index) {
  return setTimeout(pass, ms, currentCallback, index, true);
}

/** Calls the wasm. An error in it must not become a promise rejection, because the runtime must see the trap. */
function pass(callback, index, isFulfilled, value) {
  // The instance trapped and was replaced, so nothing waits for this promise.
  if (callback !== currentCallback) return;
  try {
    callback(index, isFulfilled, value);
  } catch (error) {
    // An exception that passed through wasm leaves it in an undefined state, like a trap.
    const trap = error instanceof WebAssembly.RuntimeError ? error : new WebAssembly.RuntimeError(`${error}`);
    queueMicrotask(() => {
      throw trap;
    });
  }
}
