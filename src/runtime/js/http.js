// The JavaScript half of http.rs. The headers of a response are passed as one text: alternating names and values, one per
// line.

/** Method and URL on two lines. */
export const readHead = ({ method, url }) => `${method}\n${url}`;

export const readHeader = ({ headers }, name) => headers.get(name);

/** All headers whose names start with the prefix, one per line. */
export const readHeadersLike = ({ headers }, prefix) =>
  [...headers]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

/** Copies `bytes`, because they are in wasm memory that is used again. */
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
