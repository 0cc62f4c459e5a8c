// Receives webhooks in TypeScript, with a server of Node. Needs npm's standardwebhooks, and the types of public/client.d.ts.
//
//   NOTIFY_SECRET=whsec_… PORT=3000 node webhook.ts
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import type { Video } from '../../public/client.js';

interface VideoEvent {
  id: string;
  object: 'event';
  type: 'video.completed' | 'video.failed' | 'video.cancelled';
  created_at: number;
  timestamp: string;
  data: Video & { client: string | null };
}

const webhook = new Webhook(process.env.NOTIFY_SECRET ?? '');
/** Ids of events: the same one may come again. A real receiver keeps them where it keeps its data. */
const seen = new Set<string>();

/** The event, or undefined when it was not signed by our Worker. */
async function eventOf(request: IncomingMessage): Promise<VideoEvent | undefined> {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name] ?? '')]));
  try {
    // The body exactly as it came. The library knows no types of ours.
    return webhook.verify(await text(request), headers) as VideoEvent;
  } catch {
    return undefined;
  }
}

const server = createServer(async (request, response) => {
  const event = await eventOf(request);
  if (!event) return void response.writeHead(401).end('not signed by our Worker');
  const id = String(request.headers['webhook-id']);
  if (!seen.has(id)) {
    seen.add(id);
    const { id: video, urls, error } = event.data;
    if (event.type === 'video.completed') console.log(event.type, video, urls.content);
    else console.log(event.type, video, error?.code ?? '', error?.message ?? '');
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  if (address instanceof Object) console.log(`listening at http://127.0.0.1:${address.port}`);
});
