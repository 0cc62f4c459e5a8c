// Stands around the built Worker and breaks it: /spoil spoils the memory of its wasm, so that the next thing that it does
// traps; /interrupt lets the wasm's next look at the clock fail in a way that no code there can catch.
import './newest-instance.js';

import worker from '../../../dist/index.js';
import { newestInstance } from './newest-instance.js';

export { Dispatcher, VideoTask } from '../../../dist/index.js';

function spoil() {
  new Uint8Array(newestInstance().exports.memory.buffer).fill(0xff);
}

function interrupt() {
  const { now } = Date;
  Date.now = () => {
    // Of the wasm: whoever called this is the import that the wasm called.
    const [, , , caller] = new Error().stack.split('\n');
    if (!caller?.includes('wasm')) return now();
    Date.now = now;
    throw new WebAssembly.RuntimeError('interrupted');
  };
}

const ways = { '/spoil': spoil, '/interrupt': interrupt };

export default {
  ...worker,
  fetch(request, env) {
    const breakIt = ways[new URL(request.url).pathname];
    if (!breakIt) return worker.fetch(request, env);
    breakIt();
    return new Response('broken');
  },
};
