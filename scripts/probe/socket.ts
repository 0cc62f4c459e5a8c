// The messages of Wiro's WebSocket about one job.
import { askCrate } from './crate.ts';

export interface SocketStory {
  messages: string[];
  /** Resolves at the end of the job, or when the connection is lost. */
  ended: Promise<void>;
  endSeen: () => boolean;
  failure: () => string;
  close: () => void;
}

export function followSocket(url: string, taskInfo: string): SocketStory {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const messages: string[] = [];
  let isOver = false;
  let failure = '';
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(taskInfo);
  socket.onerror = () => {
    failure ||= 'it could not be opened, or broke off';
  };
  socket.onclose = () => resolve();
  socket.onmessage = async ({ data }: MessageEvent) => {
    if (typeof data !== 'string') return;
    messages.push(data);
    // Only messages that may be an end cause a check.
    if (!/_end|_cancel/.test(data)) return;
    const read = await askCrate<{ ended: boolean }>({ do: 'read_socket', message: data });
    if (!read.ended) return;
    isOver = true;
    resolve();
  };
  return { messages, ended, endSeen: () => isOver, failure: () => failure, close: () => socket.close() };
}
