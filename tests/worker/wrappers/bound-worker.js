// Wraps the built Worker and binds settings that `vars` cannot. STORED has texts for a secret store; STRANGE has values
// of other kinds, or names of other bindings. /store?fails=… makes the store fail in this way.
import * as built from '../../../dist/index.js';

let failing = '';

const failures = {
  rejects: (secret) => Promise.reject(new Error(`not now, though it is ${secret}`)),
  throws: (secret) => {
    throw new Error(`not now, though it is ${secret}`);
  },
  empty: async () => ' ',
  number: async () => 7,
  nothing: async () => undefined,
};

class StoredSecret {
  #secret;

  constructor(secret) {
    this.#secret = secret;
  }

  get() {
    return failing ? failures[failing](this.#secret) : Promise.resolve(this.#secret);
  }
}

const strange = {
  function: () => 'secret-7f3a',
  symbol: Symbol('secret-7f3a'),
  bigint: 73n,
  date: new Date(0),
  map: new Map([['alice', 'secret-7f3a']]),
  nan: Number.NaN,
  undefined: undefined,
  null: null,
};

function bound(env) {
  const { STORED = {}, STRANGE = {}, ...rest } = env;
  for (const [name, secret] of Object.entries(STORED)) rest[name] = new StoredSecret(secret);
  for (const [name, kind] of Object.entries(STRANGE))
    rest[name] = kind in strange ? strange[kind] : env[kind];
  return rest;
}

export default class extends built.default {
  constructor(context, env) {
    super(context, bound(env));
  }

  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/store') return super.fetch(request);
    failing = searchParams.get('fails');
    return new Response('as you say');
  }
}

export class VideoTask extends built.VideoTask {
  constructor(state, env) {
    super(state, bound(env));
  }
}

export class Dispatcher extends built.Dispatcher {
  constructor(state, env) {
    super(state, bound(env));
  }
}
