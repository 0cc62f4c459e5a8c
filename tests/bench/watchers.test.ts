// What `PARTS=watchers make bench` consists of, with a few watchers.
import { expect, test } from 'vitest';
import { Upstream } from '../../bench/upstream.ts';
import { latencyOf, percentile, pooledLatency } from '../../bench/watchers/latencies.ts';
import { type Crowd, round, withSubject } from '../../bench/watchers/round.ts';
import { direct } from '../../bench/watchers/watched.ts';

test('every watcher receives every event', async () => {
  const upstream = await Upstream.start(600);
  try {
    await direct(upstream);
    const crowd: Crowd = { manner: 'quiet', reading: 3, idle: 1 };
    const { latency, end } = await withSubject(upstream, (subject) => round(subject, upstream, crowd));
    // Six stages, and the end.
    expect([latency.received, end.received]).toEqual([18, 3]);
    expect([latency, end].flatMap(({ p50, p99, max }) => [p50, p99, max]).every(Number.isFinite)).toBe(true);
  } finally {
    await upstream.stop();
  }
});

test('latencies are counted from the cause of each event', () => {
  const receipts = [
    { id: 'a', stage: 'x', at: [13, 11, 12] },
    { id: 'b', stage: 'x', at: [120] },
  ];
  const causeOf = (id: string) => (id === 'a' ? 10 : 100);
  expect(latencyOf(receipts, causeOf)).toEqual({ p50: 11, p99: 11.5, max: 11.5, received: 4 });
  expect(pooledLatency(receipts, causeOf)).toEqual({ p50: 2, p99: 20, max: 20, received: 4 });
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
});
