// The JavaScript half of http.rs: whatever crosses the border to wasm crosses it once. Headers are names and values in
// turn, a line each.

/** Those that anything here asks for. Asked for by name they cost a third of a walk through all that a request has. */
const ASKED_FOR = [
  'authorization',
  'cf-connecting-ip',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'last-event-id',
  'origin',
  'prefer',
  'range',
  'sec-fetch-site',
  'turnstile-token',
  'upgrade',
];

/** Method, URL and headers, a line each. */
export function readHead({ method, url, headers }) {
  let head = `${method}\n${url}\n`;
  for (const name of ASKED_FOR) {
    const value = headers.get(name);
    if (value !== null) head += `${name}:${value}\n`;
  }
  return head;
}

/** `bytes` lie in wasm, where they do not stay. */
export function respondBytes(status, headers, bytes) {
  return respond(status, headers, bytes.slice());
}

export function respond(status, headers, body) {
  return new Response(body, { status, headers: headersOf(headers) });
}

export function upgrade(headers, webSocket) {
  return new Response(null, { status: 101, headers: headersOf(headers), webSocket });
}

export function headersOf(lines) {
  const parts = lines.split('\n');
  const headers = {};
  for (let at = 0; at + 1 < parts.length; at += 2) headers[parts[at]] = parts[at + 1];
  return headers;
}
