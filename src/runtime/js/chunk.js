// The JavaScript half of chunk.rs.

const text = new TextEncoder();

/** Where the ASCII needle begins, at `from` or later; -1 for nowhere. Its first character is looked for by the engine. */
export function find(bytes, needle, from) {
  const wanted = text.encode(needle);
  const last = bytes.length - wanted.length;
  for (
    let at = bytes.indexOf(wanted[0], from);
    at >= 0 && at <= last;
    at = bytes.indexOf(wanted[0], at + 1)
  ) {
    let length = 1;
    while (length < wanted.length && bytes[at + length] === wanted[length]) length++;
    if (length === wanted.length) return at;
  }
  return -1;
}

/** One run of bytes after the other. */
export function joined(first, second) {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
