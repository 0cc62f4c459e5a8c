// Wraps the built Worker and breaks it. /spoil overwrites its wasm memory, except what wasm-bindgen needs to start
// again, so that the next call traps. /interrupt makes the next call of the clock throw an exception that no Rust code
// can catch.
import './newest-instance.js';

import BuiltWorker from '../../../dist/index.js';
import { newestInstance } from './newest-instance.js';

export { Dispatcher, VideoTask } from '../../../dist/index.js';

function spoil() {
  const { memory, __instance_terminated, __abort_handler } = newestInstance().exports;
  const words = new Uint32Array(memory.buffer);
  const kept = [__instance_terminated, __abort_handler].map(({ value }) => value / 4);
  const values = kept.map((index) => words[index]);
  words.fill(0xffffffff);
  kept.forEach((index, at) => {
    words[index] = values[at];
  });
}

/** @param {(stack: string) => boolean} isDue */
function interrupt(isDue) {
  const { now } = Date;
  Date.now = () => {
    const { stack } = new Error();
    // The caller is an import that wasm has called.
    const [, , , caller] = stack.split('\n');
    if (!caller?.includes('wasm') || !isDue(stack)) return now();
    Date.now = now;
    throw new WebAssembly.RuntimeError('interrupted');
  };
}

/** Whether the event is still in its first step: nothing was awaited. */
const isAtOnce = (stack) => stack.includes('.fetch (');

const ways = {
  '/spoil': spoil,
  '/interrupt': () => interrupt(isAtOnce),
  '/interrupt-later': () => interrupt((stack) => !isAtOnce(stack)),
};

export default class extends BuiltWorker {
  fetch(request) {
    const breakIt = ways[new URL(request.url).pathname];
    if (!breakIt) return super.fetch(request);
    breakIt();
    return new Response('broken');
  }
}
