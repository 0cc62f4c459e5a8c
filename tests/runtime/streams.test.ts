// Timeouts for chunks of readers and writers.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ByteReader, ByteWriter, drain, readerOf } from '../../src/runtime/js/streams.js';

const IDLE_MS = 30_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A stream, and what puts bytes into it. */
function source() {
  let controller!: ReadableByteStreamController;
  const stream = new ReadableStream({
    type: 'bytes',
    start: (given) => {
      controller = given as ReadableByteStreamController;
    },
  });
  const send = (text: string) => controller.enqueue(new TextEncoder().encode(text));
  const end = () => {
    controller.close();
    controller.byobRequest?.respond(0);
  };
  return { stream, send, end };
}

const text = (chunk: Uint8Array | null | undefined) => chunk && new TextDecoder().decode(chunk);

describe('a reader', () => {
  test('applies the timeout to each chunk', async () => {
    const { stream, send, end } = source();
    const reader = new ByteReader(stream, IDLE_MS);
    for (const word of ['a', 'slow', 'and', 'steady', 'stream']) {
      const next = reader.next();
      await vi.advanceTimersByTimeAsync(IDLE_MS - 1000);
      send(word);
      expect(text(await next)).toBe(word);
    }
    const next = reader.next();
    end();
    expect(await next).toBeUndefined();
  });

  test('returns null for ever after a timeout', async () => {
    const reader = new ByteReader(source().stream, IDLE_MS);
    const next = reader.next();
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(await next).toBeNull();
    expect(await reader.next()).toBeNull();
  });

  test('does not count the time between reads', async () => {
    const { stream, send } = source();
    const reader = new ByteReader(stream, IDLE_MS);
    for (const word of ['once', 'upon']) {
      send(word);
      expect(text(await reader.next())).toBe(word);
      await vi.advanceTimersByTimeAsync(10 * IDLE_MS);
    }
    const next = reader.next();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    send('a time');
    expect(text(await next)).toBe('a time');
    reader.cancel();
  });

  test('returns the chunk that an abandoned read was waiting for', async () => {
    const { stream, send } = source();
    const reader = new ByteReader(stream, IDLE_MS);
    const abandoned = reader.next();
    const next = reader.next();
    send('kept');
    expect(text(await next)).toBe('kept');
    expect(text(await abandoned)).toBe('kept');
    const last = reader.next();
    send('more');
    expect(text(await last)).toBe('more');
    reader.cancel();
  });

  test('of a request can be drained with other limits after its first use', async () => {
    const { stream, send } = source();
    const request = { headers: new Headers(), body: stream, bodyUsed: false } as unknown as Request;
    const abandoned = readerOf(request, IDLE_MS)?.next();
    const drained = drain(request, 1000, 5000);
    send('too much');
    expect(text(await abandoned)).toBe('too much');
    await vi.advanceTimersByTimeAsync(5000);
    await drained;
  });

  test('returns chunks that stay unchanged', async () => {
    const { stream, send } = source();
    const reader = new ByteReader(stream, IDLE_MS);
    send('first');
    const first = await reader.next();
    send('other');
    expect(text(await reader.next())).toBe('other');
    expect(text(first)).toBe('first');
    reader.cancel();
  });
});

describe('a writer', () => {
  /** A stream that takes nothing before it is told to. */
  function sink() {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { stream: new WritableStream({ write: () => promise }), take: resolve };
  }

  test('resolves when a chunk was read', async () => {
    const { stream, take } = sink();
    const writer = new ByteWriter(stream, IDLE_MS);
    const written = writer.write(new Uint8Array(1));
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    take();
    expect(await written).toBeUndefined();
    expect(await writer.close()).toBeUndefined();
  });

  test('times out for a chunk, although the one before was read late', async () => {
    const [early, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const gates = [early, late];
    const writer = new ByteWriter(new WritableStream({ write: () => gates.shift()?.promise }), IDLE_MS);
    const written = [writer.write(new Uint8Array(1)), writer.write(new Uint8Array(1))];
    early.resolve();
    expect(await written[0]).toBeUndefined();
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(await written[1]).toBeNull();
    writer.abort();
  });

  test('times out', async () => {
    const writer = new ByteWriter(sink().stream, IDLE_MS);
    const written = writer.write(new Uint8Array(1));
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(await written).toBeNull();
    writer.abort();
  });
});
