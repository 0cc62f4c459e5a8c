// Wraps the built Worker: /rows answers how many rows the dispatcher has read from its tables. With `ended` it first adds
// so many videos that have ended to the queue's table.
import BuiltWorker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

let read = 0;

export class Dispatcher extends BuiltDispatcher {
  #sql;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
    const prototype = Object.getPrototypeOf(this.#sql);
    const { exec } = prototype;
    if (exec.isCounted) return;
    prototype.exec = function (...args) {
      const cursor = exec.apply(this, args);
      const { raw } = cursor;
      cursor.raw = () => {
        const rows = raw.call(cursor);
        const { toArray } = rows;
        rows.toArray = () => {
          const array = toArray.call(rows);
          read += cursor.rowsRead;
          return array;
        };
        return rows;
      };
      return cursor;
    };
    prototype.exec.isCounted = true;
  }

  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/rows') return super.fetch(request);
    const ended = Number(searchParams.get('ended') ?? 0);
    for (let index = 0; index < ended; index += 1) {
      const later = Date.now() + 86_400_000;
      this.#sql.exec("INSERT INTO jobs (id, state, look_at) VALUES (?, 'gone', ?)", `vid_${index}`, later);
    }
    return Response.json({ read });
  }
}

export { VideoTask };

export default class extends BuiltWorker {
  fetch(request) {
    if (new URL(request.url).pathname !== '/rows') return super.fetch(request);
    return this.env.DISPATCHER.getByName('dispatcher').fetch(request);
  }
}
