// Wraps the built Worker and holds writes to R2: after /hold the next write waits, /held returns whether one waits, and
// /release continues it.
import BuiltWorker from '../../../dist/index.js';

export { Dispatcher, VideoTask } from '../../../dist/index.js';

let isHolding = false;
let release;

function heldBucket(bucket) {
  const hold = async (write) => {
    if (isHolding) {
      isHolding = false;
      await new Promise((resolve) => {
        release = resolve;
      });
    }
    return write();
  };
  return new Proxy(bucket, {
    get(target, method) {
      const member = target[method];
      if (typeof member !== 'function' || method === 'constructor') return member;
      const call = (...args) => member.apply(target, args);
      return ['put', 'createMultipartUpload'].includes(method)
        ? (...args) => hold(() => call(...args))
        : call;
    },
  });
}

const controls = {
  '/hold': () => {
    isHolding = true;
  },
  '/held': () => release !== undefined,
  '/release': () => {
    release();
    release = undefined;
  },
};

export default class extends BuiltWorker {
  constructor(context, env) {
    super(context, { ...env, VIDEOS: heldBucket(env.VIDEOS) });
  }

  fetch(request) {
    const control = controls[new URL(request.url).pathname];
    return control ? Response.json(control() ?? null) : super.fetch(request);
  }
}
