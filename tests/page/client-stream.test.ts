// How public/client.js parses an event stream: line ends, events, and resuming after an interruption.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type WatchEvent, watch } from '../../public/client.js';
import { type Answer, FakeServer, ID, json, VIDEO } from './support/fake-server.ts';

const server = new FakeServer();
beforeEach(() => server.start());
afterEach(() => server.stop());

/** Line ends of Unicode that are none of an event stream. */
const PROMPT = 'a\u2028b\u2029c\u0085d\u000be';
const making = (progress: number) => ({ ...VIDEO, status: 'in_progress', stage: 'task_output', progress });

const event = (id: number, name: string, data: unknown, end = '\n') =>
  [`id: ${id}`, `event: ${name}`, `data: ${JSON.stringify(data)}`, '', ''].join(end);

const streams =
  (pieces: Iterable<string | Uint8Array>, isCut = false): Answer =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (isCut) response.destroy();
    else response.end();
  };

async function seen(options: { lastEventId?: string } = {}): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of watch(ID, { base: server.base, ...options })) events.push(event);
  return events.filter(({ type }) => type !== 'connection');
}

describe('only CR, LF and CRLF end a line of an event stream', () => {
  test.for([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
    ['CR', '\r'],
  ] as const)('%s, sent byte by byte', async ([, end]) => {
    const video = { ...VIDEO, input: { ...VIDEO.input, prompt: PROMPT } };
    const log = { stream: 'stdout', text: PROMPT };
    const text = `: a comment${end}${end}${event(1, 'log', log, end)}${event(2, 'video', video, end)}`;
    server.answers = [streams([...Buffer.from(text)].map((byte) => Buffer.of(byte)))];
    expect(await seen()).toEqual([
      { type: 'log', ...log, id: '1' },
      { type: 'video', video, id: '2' },
    ]);
    expect(server.asked).toHaveLength(1);
  });
});

describe('event ids', () => {
  test('watch resumes after an id, also in another process', async () => {
    server.answers = [streams([event(8, 'video', VIDEO)])];
    await seen({ lastEventId: '7' });
    expect(server.asked[0]?.headers['last-event-id']).toBe('7');
  });

  test('after a broken connection, watch resumes after the last event and never repeats one', async () => {
    server.answers = [
      streams([event(3, 'video', making(10)), 'data: {"no id"'], true),
      json(making(50)),
      streams([event(4, 'video', making(20)), event(5, 'video', making(60)), event(6, 'video', VIDEO)]),
    ];
    const events = await seen();
    const progress = events.map((event) => event.type === 'video' && [event.video.progress, event.id]);
    expect(progress).toEqual([
      [10, '3'],
      [50, undefined],
      [60, '5'],
      [100, '6'],
    ]);
    expect(server.asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, undefined, '3']);
  });
});
