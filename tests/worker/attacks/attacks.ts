// Raw requests that no browser and no `fetch` would send, and a table of the results of each attack.
import { connect } from 'node:net';
import type { Service } from '../support/service.ts';

export interface RawAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** Sends these bytes and nothing more; resolves with the answer, rejects when there is none within the time. */
export function sendRaw(
  { origin }: Service,
  bytes: string | Uint8Array,
  withinMs = 20_000,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const end = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      const answer = answerIn(received);
      if (answer) resolve(answer);
      else reject(error ?? new Error(`no answer, but ${JSON.stringify(received)}`));
    };
    const timer = setTimeout(() => end(new Error(`no answer within ${withinMs} ms`)), withinMs);
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      if (answerIn(received)) end();
    });
    socket.on('error', end).on('close', () => end());
  });
}

/** An answer, once it is whole; interim ones are passed over. */
function answerIn(text: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const body = text.slice(end + 4);
  if (status === 100) return answerIn(body);
  const headers = new Headers(lines.map((line) => line.split(/:\s*(.*)/, 2) as [string, string]));
  const length = headers.get('content-length');
  const isWhole = length === null ? body.includes('0\r\n\r\n') : body.length >= Number(length);
  return isWhole ? { status, headers, body } : undefined;
}

/** A request line and headers by hand; the body's length is told unless the headers do. */
export function rawRequest(
  { origin }: Service,
  start: string,
  headers: readonly string[] = [],
  body = '',
): string {
  const tells = headers.some((header) => /^(content-length|transfer-encoding):/i.test(header));
  const length = body === '' || tells ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const host = headers.some((header) => /^host:/i.test(header)) ? [] : [`Host: ${new URL(origin).host}`];
  return [`${start} HTTP/1.1`, ...host, ...headers, ...length, 'Connection: close', '', body].join('\r\n');
}

/** What came of the attacks, printed at the end. */
export class AttackTable {
  readonly #rows: [attack: string, answer: string][] = [];

  add(attack: string, answer: string | number): void {
    this.#rows.push([attack, String(answer)]);
  }

  print(): void {
    const width = Math.max(...this.#rows.map(([attack]) => attack.length));
    console.log(this.#rows.map(([attack, answer]) => `${attack.padEnd(width)}  ${answer}`).join('\n'));
  }
}
