// The CDN: public files under random URLs, with HEAD, single ranges and every kind of fault.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Call } from '../calls.ts';
import type { CdnFault, FaultBook } from '../faults.ts';
import { bufferContent, type Content } from '../media/media.ts';
import type { Output } from '../output.ts';
import { type ApiError, type Exchange, malformed, sendError, sendText, writeHead } from './exchange.ts';
import type { SimTask } from './task.ts';

/** How far `short` and `long` differ from Detail's size. */
const DIFFERENCE_BYTES = 1000;

interface StoredFile {
  output: Output;
  /** Undefined for an uploaded file. */
  task?: SimTask;
}

export class Cdn {
  readonly #faults: FaultBook;
  readonly #files = new Map<string, StoredFile>();
  /** Paths without a file that had one or will have one. */
  readonly #missing = new Map<string, SimTask | undefined>();

  constructor(faults: FaultBook) {
    this.#faults = faults;
  }

  /** Announces a file that is not there yet. */
  announce(output: Output, task: SimTask): void {
    this.#missing.set(new URL(output.url).pathname, task);
  }

  add(output: Output, task?: SimTask): void {
    this.#files.set(new URL(output.url).pathname, task ? { output, task } : { output });
  }

  delete(output: Output): void {
    const { pathname } = new URL(output.url);
    this.#missing.set(pathname, this.#files.get(pathname)?.task);
    this.#files.delete(pathname);
  }

  serve(exchange: Exchange): void {
    const { call, request } = exchange;
    const pathname = URL.parse(request.url ?? '', 'http://cdn')?.pathname ?? '';
    const refused = this.#refusal(call, pathname);
    const file = this.#files.get(pathname);
    const task = file?.task ?? this.#missing.get(pathname);
    if (task) call.task = task;
    if (refused) sendError(exchange, refused);
    else if (file) this.#serveFile(exchange, file);
    else sendText(exchange, 404, 'text/html', '<h1>404</h1>\n');
  }

  #serveFile(exchange: Exchange, { output, task }: StoredFile): void {
    const fault = task && exchange.call.method === 'GET' && this.#faults.next('cdn', task.prompt);
    if (fault) sendFaulty(exchange, output.content, fault);
    else sendFile(exchange, output.content);
  }

  #refusal({ method, headers }: Call, pathname: string): ApiError | undefined {
    if (method !== 'GET' && method !== 'HEAD') return malformed('The CDN answers GET and HEAD only', 405);
    if ('x-api-key' in headers || 'x-signature' in headers) {
      return malformed('Credentials were sent to the CDN', 403);
    }
    if (this.#files.has(pathname) || this.#missing.has(pathname)) return undefined;
    return malformed('The CDN never had such a file', 404);
  }
}

function sendFile(exchange: Exchange, content: Content): void {
  const { size, contentType } = content;
  const range = parseRange(exchange.call.headers.range, size);
  if (range === 'unsatisfiable') {
    writeHead(exchange, 416, { 'content-range': `bytes */${size}`, 'content-length': 0 });
    exchange.response.end();
    return;
  }
  const [start, end] = range ?? [0, size];
  writeHead(exchange, range ? 206 : 200, {
    'content-type': contentType,
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  });
  send(exchange, content, start, end);
}

/** `[start, end)` of a single satisfiable range; undefined when the whole file is to be sent. */
function parseRange(
  header: string | undefined,
  size: number,
): [number, number] | 'unsatisfiable' | undefined {
  const [, first, last] = header?.match(/^bytes=(\d*)-(\d*)$/) ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start < end ? [start, end] : 'unsatisfiable';
}

function sendFaulty(exchange: Exchange, content: Content, fault: CdnFault): void {
  const { size } = content;
  const type = { 'content-type': content.contentType };
  const half = Math.floor(size / 2);
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfter !== undefined)
        exchange.response.setHeader('retry-after', String(fault.retryAfter));
      sendText(exchange, fault.status, 'text/html', `<h1>${fault.status}</h1>\n`);
      break;
    case 'short':
      writeHead(exchange, 200, { ...type, 'content-length': size - DIFFERENCE_BYTES });
      send(exchange, content, 0, size - DIFFERENCE_BYTES);
      break;
    case 'long':
      writeHead(exchange, 200, { ...type, 'content-length': size + DIFFERENCE_BYTES });
      send(exchange, withExtraBytes(content), 0, size + DIFFERENCE_BYTES);
      break;
    case 'cut':
      writeHead(exchange, 200, { ...type, 'content-length': size });
      sendAndCut(exchange, content, half);
      break;
    case 'no-length':
      writeHead(exchange, 200, type);
      send(exchange, content, 0, size);
      break;
    case 'cut-no-length':
      writeHead(exchange, 200, type);
      sendAndCut(exchange, content, half);
      break;
    case 'html':
      writeHead(exchange, 200, { 'content-type': 'text/html', 'content-length': size });
      send(
        exchange,
        bufferContent(Buffer.alloc(size, '<!doctype html><p>Sorry.</p>\n'), 'text/html'),
        0,
        size,
      );
      break;
    case 'file':
      writeHead(exchange, 200, { ...type, 'content-length': fault.bytes.length });
      send(exchange, bufferContent(fault.bytes, content.contentType), 0, fault.bytes.length);
      break;
    case 'redirect':
      writeHead(exchange, 302, { location: fault.to, 'content-length': 0 });
      exchange.response.end();
      break;
    case 'hang':
      writeHead(exchange, 200, { ...type, 'content-length': size });
      exchange.response.flushHeaders();
      for (const bytes of content.read(0, fault.bytes ?? 0)) exchange.response.write(bytes);
      break;
  }
}

/** Streams with backpressure; a reader that disconnects early is no error. */
function send({ call, response }: Exchange, content: Content, start: number, end: number): void {
  if (call.method === 'HEAD') response.end();
  else pipeline(Readable.from(content.read(start, end)), response).catch(() => response.destroy());
}

function sendAndCut({ response }: Exchange, content: Content, end: number): void {
  pipeline(Readable.from(content.read(0, end)), response, { end: false })
    // The empty write completes after everything before it was passed to the operating system.
    .then(() => response.write('', () => response.destroy()))
    .catch(() => response.destroy());
}

function withExtraBytes(content: Content): Content {
  return {
    size: content.size + DIFFERENCE_BYTES,
    contentType: content.contentType,
    *read(start, end) {
      yield* content.read(start, Math.min(end, content.size));
      yield Buffer.alloc(DIFFERENCE_BYTES);
    },
  };
}
