// Wraps the built Worker: messages to the dispatcher at the end of a video are first lost, then executed with a lost
// answer, then executed twice.
import worker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

const LOSSES = [
  async () => {
    throw new Error('the request was lost');
  },
  async (carryOut) => {
    await carryOut();
    throw new Error('the answer was lost');
  },
  async (carryOut) => {
    await carryOut();
    return carryOut();
  },
];

/** The number of times that each message was received. */
const counts = new Map();

export class Dispatcher extends BuiltDispatcher {
  async fetch(request) {
    const message = await request.text();
    const carryOut = () => super.fetch(new Request(request.url, { method: 'POST', body: message }));
    const kind = /^\{"(report|forget)"/.exec(message)?.[1];
    if (!kind) return carryOut();
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return (LOSSES[count % LOSSES.length] ?? carryOut)(carryOut);
  }
}

export { VideoTask };
export default worker;
