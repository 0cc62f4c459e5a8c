// The JavaScript half of http.rs. The headers of an answer cross the border as one text: names and values in turn, a line
// each.

/** Method and URL, a line each. */
export const readHead = ({ method, url }) => `${method}\n${url}`;

export const readHeader = ({ headers }, name) => headers.get(name);

/** All headers whose name begins so, a line each. */
export const readHeadersLike = ({ headers }, prefix) =>
  [...headers]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

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
