// An unused body is read before the response is sent: many clients read the response only after they have sent
// everything, and closing the connection would lose it.
import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { MIB } from '../support/requests/pictures.ts';
import { type Service, startService } from '../support/service.ts';
import { checked } from '../support/upstream-calls.ts';

interface Job {
  id: string;
  task: SimTask;
}

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '3600' } });
});
afterAll(() => service.close());

/** More than a callback may have. */
const BODY_BYTES = 3 * MIB;
/** What is held back of it, a byte a second: a body that stands still is not waited for. */
const LAST_BYTES = 100;

interface Route {
  name: string;
  method: string;
  path(job: Job): string;
  /** Resolves when what was asked for is done. */
  done(job: Job): Promise<unknown>;
}

const routes: Route[] = [
  {
    name: 'a callback',
    method: 'POST',
    path: ({ task }) => new URL(task.callbackUrl).pathname,
    done: ({ task }) => checked(service.sim, task, 1),
  },
  {
    name: 'a cancel',
    method: 'POST',
    path: ({ id }) => `/v1/videos/${id}/cancel`,
    done: ({ id }) => service.until(id, ({ status }) => status === 'cancelled'),
  },
  {
    name: 'a delete',
    method: 'DELETE',
    path: ({ id }) => `/v1/videos/${id}`,
    done: ({ id }) => expect.poll(async () => (await service.fetch(`/v1/videos/${id}`)).status).toBe(404),
  },
];

test.each(routes)('$name is answered after its body was read', async ({ name, method, path, done }) => {
  const prompt = `a boat that carries too much: ${name}`;
  service.sim.script(prompt, { holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  const job = { id, task };

  let isAnswered = false;
  const headers = { 'content-length': BODY_BYTES };
  const sent = request(new URL(path(job), service.origin), { method, headers });
  const answer = statusOf(sent).finally(() => {
    isAnswered = true;
  });
  sent.write(Buffer.alloc(BODY_BYTES - LAST_BYTES));
  let left = LAST_BYTES;
  const trickle = setInterval(() => {
    left -= 1;
    sent.write(Buffer.alloc(1));
  }, 1000);
  await done(job).finally(() => clearInterval(trickle));
  expect(isAnswered).toBe(false);
  sent.end(Buffer.alloc(left));
  expect(await answer).toBe(200);
});

function statusOf(sent: ClientRequest): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject).on('response', (response) => {
      response.resume().on('error', reject);
      response.on('end', () => resolve(response.statusCode));
    });
  });
}
