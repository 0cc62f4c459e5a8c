// Simulated time and its speed.
import { expect, test } from 'vitest';
import { Clock } from '../../sim/clock.ts';

test('the clock runs at its speed', async () => {
  const clock = new Clock(10_000);
  // The real time of a reading is between `before` and `after`, however long the reading takes.
  const look = () => {
    const before = performance.now();
    return { simulated: clock.now(), before, after: performance.now() };
  };
  const start = look();
  await clock.pause(500);
  const end = look();
  const simulated = end.simulated - start.simulated;
  expect(simulated).toBeGreaterThanOrEqual(500);
  const rounding = 0.001;
  expect(simulated).toBeGreaterThan(10 * (end.before - start.after) - rounding);
  expect(simulated).toBeLessThan(10 * (end.after - start.before) + rounding);
});

test('a change of speed applies to pending timers', async () => {
  const clock = new Clock(0);
  let done = false;
  const pause = clock.pause(3600).then(() => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([done, clock.now()]).toEqual([false, 0]);
  clock.speed = 3_600_000;
  await pause;
  expect(clock.now()).toBeGreaterThanOrEqual(3600);
});

test('timers can be cancelled, and the clock can be stopped', async () => {
  const clock = new Clock(1000);
  const done: string[] = [];
  clock.after(1, () => done.push('taken back'))();
  // Not by a pause beside it: two that are late may come in any order.
  await new Promise<void>((resolve) => {
    clock.after(2, () => {
      done.push('done');
      resolve();
    });
  });
  clock.after(1, () => done.push('stopped'));
  clock.stop();
  clock.after(1, () => done.push('too late'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(done).toEqual(['done']);
  expect(() => new Clock(-1)).toThrow(RangeError);
});
