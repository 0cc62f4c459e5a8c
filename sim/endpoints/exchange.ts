// One request and its response. Only this file writes HTTP heads, so that every Call has its status.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Call } from '../calls.ts';
import type { AnswerFault, ErrorItem, Refusal } from '../faults.ts';

const BOMB_BYTES = 60 * 1024 * 1024;

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  call: Call;
}

/** Ends a call with `result: false`. */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: ErrorItem[];
  /** Why only a faulty client makes this call; undefined otherwise. */
  readonly refused: string | undefined;

  constructor(errors: ErrorItem[], { status = 200, refused }: { status?: number; refused?: string } = {}) {
    super(refused ?? JSON.stringify(errors));
    this.status = status;
    this.errors = errors;
    this.refused = refused;
  }
}

/** A request that is malformed or contradicts the documentation. */
export function malformed(message: string, status = 200): ApiError {
  return new ApiError([{ code: 0, message }], { status, refused: message });
}

/** A refusal that is not the caller's fault. */
export function notPossible(message: string): ApiError {
  return new ApiError([{ code: 1, message }]);
}

/** One of Wiro's refusals; `refused` says why only a faulty client gets it. */
export function refusalOf({ status, errors }: Refusal, refused?: string): ApiError {
  return new ApiError(errors, refused === undefined ? { status } : { status, refused });
}

export function writeHead({ call, response }: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  call.status = status;
  response.writeHead(status, headers);
}

/** 200 with a gzip body. */
function sendCompressed(exchange: Exchange, text: string): void {
  const body = gzipSync(text);
  writeHead(exchange, 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-encoding': 'gzip',
    'content-length': body.length,
  });
  exchange.response.end(body);
}

export function sendText(exchange: Exchange, status: number, contentType: string, text: string): void {
  const length = Buffer.byteLength(text);
  writeHead(exchange, status, { 'content-type': contentType, 'content-length': length });
  exchange.response.end(text);
}

export function sendJson(exchange: Exchange, status: number, body: unknown): void {
  sendText(exchange, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

export function sendError(exchange: Exchange, { status, errors, refused }: ApiError): void {
  if (refused !== undefined) exchange.call.refused = refused;
  sendJson(exchange, status, { result: false, errors });
}

/** Whether the fault comes after the call was processed. */
export function isAfterProcessing({ kind }: AnswerFault): boolean {
  return kind === 'lost' || kind === 'compressed';
}

/** Performs a fault; `answer` is the normal answer if the call was processed. */
export function sendFault(exchange: Exchange, fault: AnswerFault, answer?: object): void {
  switch (fault.kind) {
    case 'compressed':
      sendCompressed(exchange, JSON.stringify(answer));
      break;
    case 'bomb':
      sendCompressed(exchange, ' '.repeat(BOMB_BYTES));
      break;
    case 'status':
      sendGatewayAnswer(exchange, fault.status, fault);
      break;
    case 'error':
      sendError(exchange, new ApiError([{ code: fault.code, message: fault.message }]));
      break;
    case 'refusal':
      sendError(exchange, refusalOf(fault));
      break;
    case 'lost':
      if (fault.how === 'status') sendGatewayAnswer(exchange, fault.status ?? 502, {});
      else sendFault(exchange, { kind: fault.how });
      break;
    case 'garbage':
      sendText(exchange, 200, 'application/json', '{"errors":[],"taskid":"2221","socketacc');
      break;
    case 'reset':
      exchange.request.socket.resetAndDestroy();
      break;
    case 'hang':
      void fault.until?.then(() => exchange.request.socket.resetAndDestroy());
      break;
  }
}

function sendGatewayAnswer(
  exchange: Exchange,
  status: number,
  { retryAfter, body }: { retryAfter?: number | string; body?: string },
): void {
  if (retryAfter !== undefined) exchange.response.setHeader('retry-after', String(retryAfter));
  const text = body ?? `<html><body><h1>${status}</h1><hr>gateway</body></html>\n`;
  sendText(exchange, status, text.startsWith('{') ? 'application/json' : 'text/html', text);
}
