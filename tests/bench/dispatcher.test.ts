// The measurements of the dispatcher, so small that they take seconds.
import { expect, test } from 'vitest';
import type { Sums } from '../../bench/day/day.ts';
import { EventHeap } from '../../bench/day/event-heap.ts';
import { noGauges } from '../../bench/day/hour.ts';
import { DAY, MINUTE, submittedUntil } from '../../bench/day/scenario.ts';
import { check, days } from '../../bench/parts/day.ts';
import { dispatchers } from '../../bench/parts/dispatcher.ts';

/** The hours with a peak of a small day. */
const SPAN = { videos: 600, from: 10, to: 11 };

test('few and many jobs are measured beside each other', async () => {
  const places = [
    { active: 3, waiting: 0, ended: 50, clients: 1 },
    { active: 3, waiting: 5, ended: 0, clients: 2 },
  ];
  const text = await dispatchers({ places, rounds: 1, roundMs: 1 });
  expect(text).toMatch(/^\| 3 +\| +0 \| +50 \| +1 \| /m);
  expect(text).toMatch(/^\| 3 +\| +5 \| +0 \| +2 \| +positions \| /m);
});

test('a simulated day keeps the limits and removes every video', async () => {
  const text = await days(SPAN);
  expect(text).toMatch(/^\| 10 +\| +125 \| /m);
  expect(text).toMatch(/^\| owned +\| +[1-9]\d* \| +0 \|$/m);
});

test('a day is wrong if slots, money or videos are left, or a limit was exceeded', () => {
  const usage = { today: [0, 0], submitted: 0, completed: 0, cancelled: 0, failed: 0, spent: 0, reserved: 0 };
  const good = {
    health: { waiting: 0, active: 0 },
    left: 0,
    most: 10,
    sizes: { bytes: 0, rows: { jobs: 0, owned: 0 } },
    usage: usage as Sums['usage'],
  };
  const hour = { gauges: { ...noGauges(), submitted: 5, queued: 1, active: 2 }, processorMs: 0 };
  const limits = { videos: 5, maxActive: 2, budget: 10 };
  expect(check([hour], good, true, limits)).toEqual([]);
  const overdue = { ...hour, gauges: { ...hour.gauges, longestOverdue: DAY, sweepsBehind: 1 } };
  expect(check([overdue], good, true, limits)).toEqual([
    '1 sweeps gave way before they had asked all',
    'a video was removed 1440 minutes late',
  ]);
  expect(check([hour], { ...good, left: 3 }, true, limits)).toEqual(['3 videos are not removed']);
  const rows = { jobs: 1, owned: 2 };
  expect(check([hour], { ...good, sizes: { bytes: 0, rows } }, true, limits)).toHaveLength(2);
  expect(check([hour], good, true, { ...limits, budget: 9, maxActive: 1 })).toEqual([
    '2 jobs had a slot',
    'the budget was exceeded',
  ]);
});

test('events happen in the order of their time', () => {
  const heap = new EventHeap<number>();
  const times = Array.from({ length: 500 }, (_, at) => (at * 7919) % 1009);
  for (const time of times) heap.push(time, time);
  const order = times.map(() => heap.pop());
  expect(order).toEqual(times.toSorted((one, other) => one - other));
  expect(heap.nextAt).toBe(Number.POSITIVE_INFINITY);
});

test('a simulated day has all its videos, and five times as many in its peaks as in the mean', () => {
  const perHour = Array.from({ length: 24 }, (_, hour) => {
    return submittedUntil((hour + 1) * 60, 24_000) - submittedUntil(hour * 60, 24_000);
  });
  expect(submittedUntil(DAY / MINUTE, 24_000)).toBe(24_000);
  expect(Math.max(...perHour)).toBe(5000);
  expect(Math.min(...perHour)).toBeGreaterThan(100);
});
