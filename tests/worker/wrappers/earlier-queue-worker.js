// Wraps the built Worker: /earlier gives the dispatcher's queue the columns that earlier versions had.
import BuiltWorker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

const EARLIER = `
  DROP INDEX jobs_by_client;
  ALTER TABLE jobs DROP COLUMN owner;
  DROP TABLE turn;
  CREATE INDEX jobs_by_state ON jobs (state, ticket) WHERE state <> 'gone';`;

export class Dispatcher extends BuiltDispatcher {
  #sql;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
  }

  fetch(request) {
    if (new URL(request.url).pathname !== '/earlier') return super.fetch(request);
    this.#sql.exec(EARLIER);
    return Response.json(this.#sql.exec('SELECT * FROM jobs').columnNames);
  }
}

export { VideoTask };

export default class extends BuiltWorker {
  fetch(request) {
    if (new URL(request.url).pathname !== '/earlier') return super.fetch(request);
    return this.env.DISPATCHER.getByName('dispatcher').fetch(request);
  }
}
