// Stands around the built Worker and breaks it: /spoil spoils the memory of its wasm, all but what wasm-bindgen keeps there to
// begin anew, so that the next thing that it does traps; /interrupt lets the wasm's next look at the clock fail in a way that no code there can catch.
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
    // Of the wasm: whoever called this is the import that the wasm called.
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
