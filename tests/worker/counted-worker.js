// Stands around the built Worker and counts what Cloudflare bills; tells the counts at /counts.
import Worker, { Dispatcher as BuiltDispatcher, VideoTask as BuiltVideoTask } from '../../dist/index.js';

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

function countedObject(name, Built) {
  return class {
    constructor(state, env) {
      this.built = new Built(state, countedEnv(env));
    }

    fetch(request) {
      count(`${name} requests`);
      return this.built.fetch(request);
    }

    alarm(info) {
      count(`${name} alarms`);
      return this.built.alarm(info);
    }
  };
}

export const VideoTask = countedObject('VideoTask', BuiltVideoTask);
export const Dispatcher = countedObject('Dispatcher', BuiltDispatcher);

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === '/counts') return Response.json(counts);
    return new Worker(context, countedEnv(env)).fetch(request);
  },
};
