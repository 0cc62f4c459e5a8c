// The result of each fault of the stand-in: the response of the submit, the calls to Wiro, and the end of the video.
// The faults run concurrently; the results are compared with the table and printed.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import type { Outcome } from './fault-table/outcome.ts';
import { performAll } from './fault-table/perform.ts';
import { printed } from './fault-table/print.ts';
import { type Case, table } from './fault-table/table.ts';

/** No answer is waited for longer than 30 s: what fails once comes right before this. */
const DEADLINE_SECONDS = '40';

let service: Service;
let outcomes: Map<Case, Outcome>;
beforeAll(async () => {
  const vars = {
    TASK_DEADLINE_SECONDS: DEADLINE_SECONDS,
    COPY_DEADLINE_SECONDS: DEADLINE_SECONDS,
    POLL_SECONDS: '0.2,0.2,0.5,1,2',
    RETRY_SECONDS: '0.1,0.2,0.5,1,2',
  };
  service = await startService({ vars, sim: { speed: 120 } });
  outcomes = await performAll(service);
});

afterAll(async () => {
  if (outcomes) console.log(printed([...outcomes].map(([{ name }, outcome]) => [name, outcome])));
  await service.close();
});

test.each(Object.values(table).flat())('$name', (row) => {
  expect(outcomes.get(row)).toEqual(row.expected);
});

test('no fault makes a second paid video', () => {
  for (const [{ name }, { tasks }] of outcomes) expect(tasks, name).toBeLessThanOrEqual(1);
});
