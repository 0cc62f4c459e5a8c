// Reading what a client sends, within limits of size and time.

const IDLE_MS = 30_000;
/** Unless it is given a larger buffer, the runtime reads 4 KiB at a time. */
const READ_BYTES = 64 * 1024;
const DRAIN_IDLE_MS = 5000;
const MAX_DRAINED_BYTES = 100 * 1024 * 1024;

/** What the promise comes to, unless it takes longer. */
export async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing happened for ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The chunks of a stream, each of them there in time. The stream is let go of, not cancelled, when nobody goes on. */
export async function* chunksOf(stream, idleMs = IDLE_MS) {
  const reader = stream.getReader({ mode: 'byob' });
  try {
    for (;;) {
      const { done, value } = await within(idleMs, reader.read(new Uint8Array(READ_BYTES)));
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

/** A small body; undefined as soon as it is larger than that. */
export async function readSmall(request, maxBytes) {
  const declared = request.headers.get('content-length');
  if (declared !== null) {
    // The runtime lets no more through than was declared.
    return Number(declared) > maxBytes ? undefined : within(IDLE_MS, request.bytes());
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of chunksOf(request.body)) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return joined(chunks, length);
}

export function joined(chunks, length) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Reads what is left of a body, so that the client, which may listen only then, hears the answer. */
export async function drain(body) {
  if (!body || body.locked) return;
  let bytes = 0;
  try {
    for await (const chunk of chunksOf(body, DRAIN_IDLE_MS)) {
      bytes += chunk.length;
      if (bytes > MAX_DRAINED_BYTES) return;
    }
  } catch {
    // It is gone.
  }
}
