// Wraps the built Worker and counts billed operations. /counts returns the counts.
import BuiltWorker, {
  Dispatcher as BuiltDispatcher,
  VideoTask as BuiltVideoTask,
} from '../../../dist/index.js';

const counts = {};

function count(what) {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** Every call of a method of these bindings is counted. */
function countedEnv(env) {
  return new Proxy(env, {
    get: (target, name) =>
      ['TASKS', 'VIDEOS'].includes(name) ? countedBinding(name, target[name]) : target[name],
  });
}

function countedBinding(name, binding) {
  return new Proxy(binding, {
    get(target, method) {
      const member = target[method];
      if (typeof member !== 'function' || method === 'constructor') return member;
      return (...args) => {
        count(`${name}.${method}`);
        return member.apply(target, args);
      };
    },
  });
}

/** The results of all SQL statements, which know the rows that they wrote. */
const cursors = [];

/** Every method call on objects of this prototype is counted. */
function countCalls(of, method, what, keep = () => {}) {
  const prototype = Object.getPrototypeOf(of);
  const original = prototype[method];
  if (original.isCounted) return;
  prototype[method] = function (...args) {
    count(what);
    const result = original.apply(this, args);
    keep(result);
    return result;
  };
  prototype[method].isCounted = true;
}

function countedObject(name, Built) {
  return class extends Built {
    constructor(state, env) {
      super(state, countedEnv(env));
      countCalls(state.storage.kv, 'put', 'task writes');
      countCalls(state.storage, 'setAlarm', 'alarms set');
      countCalls(state.storage.sql, 'exec', 'SQL statements', (cursor) => cursors.push(cursor));
    }

    fetch(request) {
      count(`${name} requests`);
      return super.fetch(request);
    }

    alarm() {
      count(`${name} alarms`);
      return super.alarm();
    }
  };
}

export const VideoTask = countedObject('VideoTask', BuiltVideoTask);
export const Dispatcher = countedObject('Dispatcher', BuiltDispatcher);

export default class extends BuiltWorker {
  constructor(context, env) {
    super(context, countedEnv(env));
  }

  fetch(request) {
    if (new URL(request.url).pathname === '/counts') {
      const rows = cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
      return Response.json({ ...counts, 'rows written': rows });
    }
    return super.fetch(request);
  }
}
