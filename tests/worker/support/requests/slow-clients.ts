// Clients that send a body in chosen chunks at a chosen speed.
import { connect, type Socket } from 'node:net';
import type { Service } from '../service.ts';

export interface SlowClient {
  socket: Socket;
  /** Sends one HTTP chunk; resolves when it is on its way or the connection is closed. */
  send(bytes: Uint8Array): Promise<void>;
  /** Sends bytes as they are. */
  sendRaw(bytes: Uint8Array): Promise<void>;
  /** The status of the answer, once it has come; rejects when the connection is closed without one. */
  status: Promise<number>;
  /** Everything received so far. */
  received(): string;
}

export function slowClient(
  { origin }: Pick<Service, 'origin'>,
  start: string,
  headers: readonly string[] = [],
): SlowClient {
  const { host, hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.setMaxListeners(0);
  let received = '';
  let isClosed = false;
  const status = new Promise<number>((resolve, reject) => {
    socket.on('data', (data) => {
      received += data.toString('latin1');
      const [, text] = received.split(' ');
      if (text !== undefined) resolve(Number(text));
    });
    socket
      .on('error', () => {})
      .on('close', () => {
        isClosed = true;
        reject(new Error('closed without an answer'));
      });
  });
  status.catch(() => {});
  const sendRaw = (bytes: Uint8Array) =>
    new Promise<void>((resolve) => {
      if (isClosed) return resolve();
      socket.once('close', () => resolve());
      socket.write(bytes, () => resolve());
    });
  const send = (bytes: Uint8Array) =>
    sendRaw(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
  const head = [`${start} HTTP/1.1`, `Host: ${host}`, 'Transfer-Encoding: chunked', ...headers, '', ''];
  socket.write(head.join('\r\n'));
  return { socket, send, sendRaw, status, received: () => received };
}

/** Sends a byte now and then until the answer is there; resolves with the status and the milliseconds. */
export async function drip(
  client: SlowClient,
  everyMs: number,
): Promise<{ status: number; milliseconds: number }> {
  const start = performance.now();
  const timer = setInterval(() => void client.send(Buffer.from(' ')), everyMs);
  const status = await client.status.finally(() => clearInterval(timer));
  return { status, milliseconds: performance.now() - start };
}
