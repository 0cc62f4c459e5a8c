// The JavaScript half of streams.rs: a chunk, or a small body, is read in one call.

/** The runtime fills at most 4 KiB of a buffer of its own. */
const CHUNK_BYTES = 64 * 1024;

export function byteReader(stream) {
  return stream.getReader({ mode: 'byob' });
}

/** The next chunk; undefined at the end, null when nothing came in time. */
export async function readChunk(reader, idleMs) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, idleMs, null);
  });
  try {
    const read = await Promise.race([reader.read(new Uint8Array(CHUNK_BYTES)), late]);
    if (read === null) return null;
    if (read.done) return undefined;
    // Whoever keeps a few bytes must not keep the whole buffer.
    return read.value.length < CHUNK_BYTES / 2 ? read.value.slice() : read.value;
  } finally {
    clearTimeout(timer);
  }
}

/** All that comes, in one; undefined when it is longer than that, null when some of it did not come in time. */
export async function readWhole(reader, maxBytes, idleMs) {
  let held = new Uint8Array(0);
  let length = 0;
  for (;;) {
    const chunk = await readChunk(reader, idleMs);
    if (chunk === undefined) return held.subarray(0, length);
    if (chunk === null) return null;
    if (length + chunk.length > maxBytes) return undefined;
    held = appended(held, length, chunk);
    length += chunk.length;
  }
}

/** The first `length` bytes of what is held and a chunk behind them, with room to grow. */
function appended(held, length, chunk) {
  if (length === 0) return chunk;
  let room = held;
  if (length + chunk.length > held.length) {
    room = new Uint8Array(2 * (length + chunk.length));
    room.set(held.subarray(0, length));
  }
  room.set(chunk, length);
  return room;
}
