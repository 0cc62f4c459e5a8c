// What the runtime calls. Every event goes straight on to the wasm, which begins anew after a trap: whatever was in it
// is gone then, and objects are made again from what they have stored.
import { DurableObject } from 'cloudflare:workers';
import * as wasm from '../build/index.js';
import module from '../build/index_bg.wasm';

wasm.initSync({ module });

/** Counts the lives of the wasm. */
let life = 0;
let hasTrapped = false;

function giveUp(error) {
  hasTrapped = true;
  console.error(JSON.stringify({ level: 'error', message: 'the wasm trapped', error: error.stack }));
}

// What trapped behind an await is nobody's exception.
addEventListener('error', ({ error }) => {
  if (error instanceof WebAssembly.RuntimeError) giveUp(error);
});

/** Makes a call into the wasm. */
function enter(call) {
  if (hasTrapped) {
    wasm.__wbg_reset_state();
    hasTrapped = false;
    life++;
  }
  try {
    return call();
  } catch (error) {
    // Whatever it is, it broke off something in the middle: answers and errors come as promises.
    giveUp(error);
    throw error;
  }
}

/** An object of the wasm, in each of its lives. */
class Reborn {
  #make;
  #life;
  #object;

  constructor(make) {
    this.#make = make;
  }

  enter(call) {
    return enter(() => {
      if (this.#life !== life) {
        this.#object = this.#make();
        this.#life = life;
      }
      return call(this.#object);
    });
  }
}

export default {
  fetch: (request, env) => enter(() => wasm.fetch(request, env)),
  scheduled: ({ scheduledTime }, env) => enter(() => wasm.scheduled(scheduledTime, env)),
};

export class VideoTask extends DurableObject {
  #task = new Reborn(() => new wasm.VideoTask(this.ctx, this.env));

  ask(message) {
    return this.#task.enter((task) => task.ask(message));
  }

  fetch(request) {
    return this.#task.enter((task) => task.fetch(request));
  }

  alarm() {
    return this.#task.enter((task) => task.alarm());
  }

  webSocketMessage(socket, message) {
    this.#task.enter((task) => task.onMessage(socket, message.byteLength ?? message.length));
  }

  webSocketClose(socket) {
    this.#task.enter((task) => task.onLeave(socket));
  }

  webSocketError(socket) {
    this.#task.enter((task) => task.onLeave(socket));
  }
}

export class Dispatcher extends DurableObject {
  #dispatcher = new Reborn(() => new wasm.Dispatcher(this.ctx, this.env));

  ask(message) {
    return this.#dispatcher.enter((dispatcher) => dispatcher.ask(message));
  }

  alarm() {
    return this.#dispatcher.enter((dispatcher) => dispatcher.alarm());
  }
}
