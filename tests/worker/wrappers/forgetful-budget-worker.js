// Wraps the built Worker: /forget removes the spent money from the dispatcher's budget, as the removal of a video on a
// later day does.
import BuiltWorker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

export class Dispatcher extends BuiltDispatcher {
  #sql;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
  }

  fetch(request) {
    if (new URL(request.url).pathname !== '/forget') return super.fetch(request);
    return Response.json(this.#sql.exec('DELETE FROM spending WHERE is_spent > 0').rowsWritten);
  }
}

export { VideoTask };

export default class extends BuiltWorker {
  fetch(request) {
    if (new URL(request.url).pathname !== '/forget') return super.fetch(request);
    return this.env.DISPATCHER.getByName('dispatcher').fetch(request);
  }
}
