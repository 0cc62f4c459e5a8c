// The built Worker with a dispatcher that is driven from inside the process: the objects of its videos are a model, its
// alarm is caught, its clock may be simulated, and its rows are counted. `start.ts` bundles it.
import BuiltWorker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../dist/index.js';
import './clock.ts';
import { Control } from './control.ts';
import { catchAlarm, watchStatements } from './instrument.ts';
import { answerAsWiro } from './wiro.ts';

globalThis.fetch = answerAsWiro;

const control = new Control();

/** In place of the namespace of the videos' objects. */
const tasks = {
  getByName: (id) => ({ fetch: async (_url, { body }) => new Response(control.answer(id, body)) }),
};

export class Dispatcher extends BuiltDispatcher {
  #storage;

  constructor(state, env) {
    super(state, { ...env, VIDEO_TASK: tasks });
    this.#storage = state.storage;
    watchStatements(state.storage.sql);
    catchAlarm(state.storage);
  }

  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/') return super.fetch(request);
    if (pathname === '/alarm') {
      await super.alarm();
      return new Response();
    }
    // Sends itself messages: without a way through the runtime, but each is stored before the next one.
    const send = async (body) => {
      const response = await super.fetch(new Request('https://object/', { method: 'POST', body }));
      const text = await response.text();
      await this.#storage.sync();
      return text;
    };
    const alarm = async () => {
      await super.alarm();
      await this.#storage.sync();
    };
    return Response.json(
      (await control.run(pathname, await request.json(), { send, alarm }, this.#storage.sql)) ?? null,
    );
  }
}

/** An object that does nothing: what a message costs before it reaches the dispatcher. */
export class Idle {
  async fetch(request) {
    await request.text();
    return new Response('{"Ok":null}');
  }
}

export { VideoTask };

export default class extends BuiltWorker {
  /** A path that begins with `/inside` is run in the dispatcher itself. */
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const dispatcher = this.env.DISPATCHER.getByName('dispatcher');
    if (pathname.startsWith('/inside')) return dispatcher.fetch(request);
    const stub = pathname === '/idle' ? this.env.IDLE.getByName('idle') : dispatcher;
    const send = async (body) => (await stub.fetch('https://object/', { method: 'POST', body })).text();
    const alarm = async () => void (await stub.fetch('https://object/alarm'));
    return Response.json((await control.run(pathname, await request.json(), { send, alarm })) ?? null);
  }
}
