// Wraps the built Worker. /test with `skip` moves the clock of the isolate by so many seconds, with `down=true` or `false`
// breaks or repairs the connection to the dispatcher, and with `message` sends the dispatcher a message as another isolate
// does. It answers how often the clients were read.
import BuiltWorker, { Dispatcher as BuiltDispatcher, VideoTask } from '../../../dist/index.js';

const now = Date.now;
let skipped = 0;
let isDown = false;
let reads = 0;
Date.now = () => now() + skipped;

export class Dispatcher extends BuiltDispatcher {
  async fetch(request) {
    const message = await request.text();
    if (message.startsWith('{"operator":{"managed_clients"')) reads += 1;
    if (isDown && !request.url.endsWith('/test')) throw new Error('the dispatcher is down');
    return super.fetch(new Request(request.url, { method: 'POST', body: message }));
  }
}

export { VideoTask };

export default class extends BuiltWorker {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/test') return super.fetch(request);
    skipped += 1000 * Number(searchParams.get('skip') ?? 0);
    if (searchParams.has('down')) isDown = searchParams.get('down') === 'true';
    const body = searchParams.get('message');
    if (body) {
      const dispatcher = this.env.DISPATCHER.getByName('dispatcher');
      await dispatcher.fetch('https://object/test', { method: 'POST', body });
    }
    return Response.json({ reads });
  }
}
