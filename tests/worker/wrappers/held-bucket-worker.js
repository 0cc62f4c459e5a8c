// Stands around the built Worker and holds what goes into R2: after /hold the next write waits; /held tells whether one does;
// /release lets it go on.
import worker, * as built from '../../../dist/index.js';

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

export const VideoTask = built.VideoTask;
export const Dispatcher = built.Dispatcher;

export default {
  fetch(request, env, ctx) {
    const control = controls[new URL(request.url).pathname];
    if (control) return Response.json(control() ?? null);
    return worker.fetch(request, { ...env, VIDEOS: heldBucket(env.VIDEOS) }, ctx);
  },
};
