// Receives webhooks as Fetch requests: the function is all that a Cloudflare Worker, Hono, Next.js, Deno or Bun needs; the server
// below it runs it in Node. Needs npm's standardwebhooks.
//
//   NOTIFY_SECRET=whsec_… PORT=3000 node webhook.mjs
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.NOTIFY_SECRET ?? '');
/** Ids of events: the same one may come again. A real receiver keeps them where it keeps its data. */
const seen = new Set();

/** @param {Request} request */
export async function receive(request) {
  // The body exactly as it came, and the headers as an object: the library does not take `Headers`.
  const body = await request.text();
  const headers = Object.fromEntries(request.headers);
  /** @type {any} */
  let event;
  try {
    event = webhook.verify(body, headers);
  } catch {
    return new Response('not signed by our Worker', { status: 401 });
  }
  const { type, data: video } = event;
  if (!seen.has(headers['webhook-id'])) {
    seen.add(headers['webhook-id']);
    if (type === 'video.completed') console.log(type, video.id, video.urls.content);
    else console.log(type, video.id, video.error?.code ?? '', video.error?.message ?? '');
  }
  return new Response(null, { status: 204 });
}

const server = createServer(async (incoming, outgoing) => {
  const { method = 'GET', url = '/' } = incoming;
  const body = method === 'POST' ? new Uint8Array(await buffer(incoming)) : null;
  const headers = /** @type {Record<string, string>} */ (incoming.headers);
  const response = await receive(new Request(new URL(url, 'http://localhost'), { method, headers, body }));
  outgoing.writeHead(response.status).end(await response.text());
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  if (address instanceof Object) console.log(`listening at http://127.0.0.1:${address.port}`);
});
