// Wraps the built Worker: /earlier gives the dispatcher's list of videos the columns that earlier versions had.
import BuiltWorker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

const EARLIER = `
  DROP INDEX owned_by_status;
  DROP INDEX owned_by_model;
  ALTER TABLE owned DROP COLUMN request_id;
  ALTER TABLE owned DROP COLUMN counted;
  ALTER TABLE owned DROP COLUMN spent;
  ALTER TABLE spending DROP COLUMN model;
  ALTER TABLE owned DROP COLUMN status;
  ALTER TABLE owned DROP COLUMN model;`;

export class Dispatcher extends BuiltDispatcher {
  #sql;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
  }

  fetch(request) {
    if (new URL(request.url).pathname !== '/earlier') return super.fetch(request);
    this.#sql.exec(EARLIER);
    return Response.json(this.#sql.exec('SELECT * FROM owned').columnNames);
  }
}

export { VideoTask };

export default class extends BuiltWorker {
  fetch(request) {
    if (new URL(request.url).pathname !== '/earlier') return super.fetch(request);
    return this.env.DISPATCHER.getByName('dispatcher').fetch(request);
  }
}
