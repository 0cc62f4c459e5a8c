// Stands around the built Worker and spoils the memory of its wasm at /spoil: the next thing that it does traps.
import './newest-instance.js';

import worker from '../../dist/index.js';
import { newestInstance } from './newest-instance.js';

export { Dispatcher, VideoTask } from '../../dist/index.js';

export default {
  ...worker,
  fetch(request, env) {
    if (new URL(request.url).pathname !== '/spoil') return worker.fetch(request, env);
    new Uint8Array(newestInstance().exports.memory.buffer).fill(0xff);
    return new Response('spoilt');
  },
};
