// Control over HTTP for people: inspect calls and tasks, script faults, release tasks, change the speed.
import type { Call } from '../calls.ts';
import type { Faults } from '../faults.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { readBody } from './form.ts';
import type { SimTask } from './task.ts';
import type { Solved } from './turnstile.ts';

/** The part of the simulator that can be controlled. */
interface Controlled {
  readonly calls: Call[];
  readonly tasks: SimTask[];
  speed: number;
  script(promptPart: string, faults: Faults): void;
  release(task: SimTask): void;
  solve(solved: Solved): string;
}

/** Answers `/control/…`. Only JSON is accepted, because a web page cannot send it to another origin without a preflight. */
export async function serveControl(sim: Controlled, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const endpoint = `${request.method} ${request.url}`;
  if (endpoint === 'GET /control/calls') return sendJson(exchange, 200, sim.calls);
  if (endpoint === 'GET /control/tasks') return sendJson(exchange, 200, sim.tasks);
  if (request.method !== 'POST') return sendJson(exchange, 404, { error: 'no such control' });
  if (request.headers['content-type'] !== 'application/json') {
    return sendJson(exchange, 415, { error: 'send application/json' });
  }
  try {
    const body: Record<string, unknown> = JSON.parse(String(await readBody(request)));
    sendJson(exchange, 200, control(sim, endpoint, body));
  } catch (error) {
    sendJson(exchange, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

function control(sim: Controlled, endpoint: string, body: Record<string, unknown>): object {
  switch (endpoint) {
    case 'POST /control/script': {
      if (typeof body.prompt !== 'string' || typeof body.faults !== 'object' || body.faults === null) {
        throw new TypeError('send {"prompt": "part of it", "faults": {…}}');
      }
      sim.script(body.prompt, body.faults as Faults);
      return { scripted: body.prompt };
    }
    case 'POST /control/release': {
      const task = sim.tasks.find(({ id }) => id === body.task);
      if (!task) throw new TypeError('send {"task": "its id"}');
      sim.release(task);
      return task;
    }
    case 'POST /control/solve':
      if (typeof body.hostname !== 'string') throw new TypeError('send {"hostname": "of the page"}');
      return { token: sim.solve({ hostname: body.hostname }) };
    case 'POST /control/speed':
      sim.speed = Number(body.speed);
      return { speed: sim.speed };
    default:
      throw new TypeError('no such control');
  }
}
