// Wraps the built Worker: the dispatcher's first answer about a reservation is lost.
import worker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

let isLost = false;

export class Dispatcher extends BuiltDispatcher {
  async fetch(request) {
    const message = await request.text();
    const answer = await super.fetch(new Request(request.url, { method: 'POST', body: message }));
    if (!isLost && message.startsWith('{"reserve"')) {
      isLost = true;
      throw new Error('the answer was lost');
    }
    return answer;
  }
}

export { VideoTask };
export default worker;
