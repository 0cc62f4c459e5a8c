// Wraps the built Worker: /hold/ID subscribes to a video's events and reads nothing, for as long as the client waits.
import { default as BuiltWorker, Dispatcher, VideoTask } from '../../../dist/index.js';

const HOLD_MS = 600_000;

export default class extends BuiltWorker {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith('/hold/')) return super.fetch(request);
    const object = this.env.VIDEO_TASK.getByName(pathname.slice('/hold/'.length));
    const { body } = await object.fetch('https://object/', {
      headers: { 'x-public-origin': 'https://a.example' },
    });
    const reader = body.getReader();
    await scheduler.wait(HOLD_MS);
    await reader.cancel();
    return new Response();
  }
}

export { Dispatcher, VideoTask };
