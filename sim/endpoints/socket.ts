// The WebSocket: a client names a task by its token and receives its events from the current stage on.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Call, CallLog } from '../calls.ts';
import type { SocketFault } from '../faults.ts';
import { isProgress } from '../lifecycle.ts';
import { frame, reshaped } from '../media/frame.ts';
import type { Settings, SocketEdition } from '../options.ts';
import type { SimTask, TaskEvent } from './task.ts';
import type { Wiro } from './wiro.ts';

const EVENTS_BEFORE_DROP = 6;
const LINES_OF_CHAT = 15;
const TRY_AGAIN_LATER = 1013;
const UNEXPECTED_JSON = ['[]', 'null', '42', '"task_end"', '{"type":17}', '{"type":"task_output","message":'];

export class TaskSocket {
  readonly #wiro: Wiro;
  readonly #calls: CallLog;
  readonly #settings: Settings;
  readonly #server = new WebSocketServer({ noServer: true });

  constructor(settings: Settings, wiro: Wiro, calls: CallLog) {
    this.#settings = settings;
    this.#wiro = wiro;
    this.#calls = calls;
  }

  /** Takes an HTTP upgrade. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const call = this.#calls.open(request);
    stream.on('error', () => stream.destroy());
    if (request.url !== '/v1') {
      call.refused = 'There is no WebSocket at this path';
      this.#refuse(call, stream, 404);
    } else if (this.#wiro.faults.standing('').socket === 'refuse') {
      this.#refuse(call, stream, 503);
    } else {
      this.#server.handleUpgrade(request, stream, head, (socket) => this.#greet(socket, call));
    }
  }

  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }

  #refuse(call: Call, stream: Duplex, status: number): void {
    call.status = status;
    const answer = `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
    stream.end(answer, () => stream.destroy());
    this.#calls.taken(call);
  }

  #greet(socket: WebSocket, call: Call): void {
    call.status = 101;
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#calls.taken(call));
    socket.on('message', (data, binary) => this.#receive(socket, call, data, binary));
    if (this.#wiro.faults.standing('').socket !== 'silent')
      socket.send('{"type":"connected","version":"1.0"}');
  }

  #receive(socket: WebSocket, call: Call, data: RawData, binary: boolean): void {
    const message = binary ? undefined : parse(String(data));
    call.json = message;
    const task = this.#wiro.tasks.find(({ token }) => token === message?.tasktoken);
    if (message?.type !== 'task_info') call.refused = 'The message to the socket is no task_info';
    else if (!task) call.refused = 'The task_info names no task';
    else {
      call.task = task;
      this.#follow(socket, task);
    }
    this.#calls.taken(call);
  }

  #follow(socket: WebSocket, task: SimTask): void {
    const fault = this.#wiro.faults.standing(task.prompt).socket;
    if (fault === 'refuse') socket.close(TRY_AGAIN_LATER);
    else if (fault !== 'silent') socket.on('close', task.watch(this.#teller(socket, task, fault)));
  }

  /** Sends each event of the task, as the fault allows. */
  #teller(socket: WebSocket, task: SimTask, fault: SocketFault | undefined): (event: TaskEvent) => void {
    const { socketEdition } = this.#settings;
    let sent = 0;
    return (event) => {
      if (fault === 'noPercent' && isProgress(event.message)) return;
      if (fault === 'garbage') sendGarbage(socket, sent);
      if (fault === 'chatty') chat(socket, task, sent, socketEdition);
      socket.send(frame(task, reshaped(event, fault), socketEdition));
      sent++;
      if (fault === 'drop' && sent === EVENTS_BEFORE_DROP) socket.terminate();
    };
  }
}

/** Lines of output, each another. */
function chat(socket: WebSocket, task: SimTask, round: number, edition: SocketEdition): void {
  for (let n = 0; n < LINES_OF_CHAT; n++) {
    const message = `Step ${round}.${n} ${'of many '.repeat(40)}`;
    socket.send(frame(task, { type: 'task_output', message }, edition));
  }
}

function sendGarbage(socket: WebSocket, round: number): void {
  socket.send(randomBytes(64), { binary: true });
  socket.send(UNEXPECTED_JSON[round % UNEXPECTED_JSON.length] ?? '');
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
