// An output that stalls half way.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sim, sampleContent, startSim } from '../../sim/index.ts';
import { run } from './support/client.ts';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

test('a stalled output sends half of the bytes and keeps the connection open', async () => {
  await run(sim);
  const [task] = sim.tasks;
  await task!.reached('task_postprocess_end');
  const half = Math.floor(sampleContent.size / 2);
  sim.script('', { cdn: [{ kind: 'hang', bytes: half }] });
  const response = await fetch(task!.outputs[0]!.url);
  expect(response.headers.get('content-length')).toBe(String(sampleContent.size));
  const reader = response.body!.getReader();
  let bytes = 0;
  while (bytes < half) bytes += (await reader.read()).value?.length ?? Number.NaN;
  expect(bytes).toBe(half);
  const silence = Symbol();
  const more = await Promise.race([reader.read(), new Promise((say) => setTimeout(say, 100, silence))]);
  expect(more).toBe(silence);
  await reader.cancel();
});
