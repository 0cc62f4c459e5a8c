// Wraps the built Worker: a request to https://receiver-<port>.example.com goes to this port of this machine. A
// callback_url must name a public host, which no test has.
const send = globalThis.fetch;

globalThis.fetch = (request, init) => {
  const url = new URL(request.url ?? request);
  const port = /^receiver-(\d+)\.example\.com$/.exec(url.hostname)?.[1];
  if (!port || url.protocol !== 'https:') return send(request, init);
  return send(new Request(`http://127.0.0.1:${port}${url.pathname}${url.search}`, request), init);
};

export { Dispatcher, default, VideoTask } from '../../../dist/index.js';
