// A client for server-sent events, by the specification, that can resume.
import type { Service } from './service.ts';

export interface SeenEvent {
  id: number;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the event carries
  data: any;
}

export interface Watch {
  status: number;
  headers: Headers;
  /** Everything seen so far. */
  events: SeenEvent[];
  comments: number;
  /** Resolves when the stream has ended or was left. */
  ended: Promise<void>;
  leave(): void;
}

/** Watches from `lastEventId` on, until the stream ends, is left, or breaks off after so many bytes. */
export async function watch(
  service: Service,
  id: string,
  lastEventId?: number,
  cutAfterBytes = Number.POSITIVE_INFINITY,
): Promise<Watch> {
  const controller = new AbortController();
  const headers: Record<string, string> = { ...service.headers, accept: 'text/event-stream' };
  if (lastEventId !== undefined) headers['last-event-id'] = String(lastEventId);
  const url = new URL(`/v1/videos/${id}/events`, service.origin);
  const response = await fetch(url, { headers, signal: controller.signal });
  const seen: Watch = {
    status: response.status,
    headers: response.headers,
    events: [],
    comments: 0,
    ended: Promise.resolve(),
    leave: () => controller.abort(),
  };
  seen.ended = readAll(response, seen, cutAfterBytes);
  return seen;
}

async function readAll(response: Response, seen: Watch, cutAfterBytes: number): Promise<void> {
  let text = '';
  let left = cutAfterBytes;
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk.subarray(0, left), { stream: true });
      left -= chunk.length;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) take(block, seen);
      if (left <= 0) {
        seen.leave();
        return;
      }
    }
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
  }
}

function take(block: string, seen: Watch): void {
  if (block.startsWith(':')) seen.comments += 1;
  else seen.events.push(eventOf(block));
}

/** What each has seen since the last of them came: those who came before may have seen more. */
export function sinceAllCame(...watchers: SeenEvent[][]): SeenEvent[][] {
  const came = Math.max(...watchers.map(([first]) => first?.id ?? Number.NaN));
  return watchers.map((events) => events.filter(({ id }) => id > came));
}

/** One event of a stream, without the empty line behind it. */
export function eventOf(block: string): SeenEvent {
  const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
  return { id: Number(fields.id), event: fields.event, data: JSON.parse(fields.data) };
}
