// The JavaScript half of chunk.rs.

const text = new TextEncoder();

/** The first position of the ASCII needle at or after `from`, or -1. `indexOf` finds its first character fast. */
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

/** Concatenates two byte arrays. */
export function joined(first, second) {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
