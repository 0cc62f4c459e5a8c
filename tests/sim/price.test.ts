// Prices: Tool/Detail publishes the price of a model, and tasks are charged by it.
import { expect, test } from 'vitest';
import { type Faults, startSim } from '../../sim/index.ts';
import { ask, detail, run } from './support/client.ts';

/** What Tool/Detail tells of these prices, and what a task of 768P and 6 s is charged, or another one. */
async function told(prices: unknown, fields: Record<string, string> = {}, task: Faults['task'] = {}) {
  const models = { 'minimax/hailuo-2-3': { generation: 'seed', prices } } as const;
  const sim = await startSim({ speed: 2000, models });
  try {
    sim.script('', { task });
    const names = { slugowner: 'minimax', slugproject: 'hailuo-2-3' };
    const { tool } = await ask(sim, '/Tool/Detail', names);
    await run(sim, fields);
    await sim.tasks[0]!.reached('task_postprocess_end');
    const { totalcost } = await detail(sim, sim.tasks[0]!.token);
    return { text: tool[0]!.dynamicprice, cost: Number(totalcost) };
  } finally {
    await sim.close();
  }
}

const priced = (priceMethod: string, price: number, inputs: object = {}) => ({ inputs, price, priceMethod });

test.for([[[]], ['a text'], [null], [{ odd: 1 }], [[{ price: 'much' }]], [[null, 7]]])(
  'any price value is published as JSON, and an invalid one charges nothing: %j',
  async ([prices]) => {
    const { text, cost } = await told(prices);
    expect(JSON.parse(String(text))).toEqual(prices);
    expect(cost).toBe(0);
  },
);

test.for([
  ['cpr', 0.4],
  ['cpo', 0.4],
  ['cps', 2.4],
  ['cp-outputVideoLength', 2.4],
  ['cpt', 0],
] as const)('%s: a rate of 0.40 gives %d for 6 s', async ([method, expected]) => {
  expect((await told([priced(method, 0.4)])).cost).toBeCloseTo(expected, 9);
});

test('a video of 10 s costs the price for 10 s', async () => {
  expect((await told([priced('cps', 0.05)], { duration: '10' })).cost).toBeCloseTo(0.5, 9);
});

test('the first entry with the inputs of the run has the price', async () => {
  const prices = [
    priced('cpr', 1, { resolution: '1080P' }),
    priced('cpr', 2, { resolution: '768P', duration: 6 }),
    priced('cpr', 3, {}),
  ];
  expect((await told(prices)).cost).toBe(2);
  expect((await told(prices, { resolution: '1080P' })).cost).toBe(1);
  expect((await told(prices, { duration: '10' })).cost).toBe(3);
});

test('a key of the price list may differ from the id of a parameter', async () => {
  const prices = [priced('cpo', 1, { size: '1080P' }), priced('cpo', 2, { size: '768P' })];
  expect((await told(prices)).cost).toBe(2);
});

test('cp-readoutput: the note has the price, and the task has the scripted cost', async () => {
  const prices = [{ ...priced('cp-readoutput', 0), note: 'Billed per second at the resolution tier rate.' }];
  expect((await told(prices)).cost).toBe(0);
  expect((await told(prices, {}, { cost: '0.36' })).cost).toBe(0.36);
});
