// The latencies of events at their watchers.
import { median } from '../report/statistics.ts';
import type { Receipts } from './clients-process.ts';

/** Milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
  max: number;
  /** Events that arrived. */
  received: number;
}

/** Of each event at all its watchers: p50, p99 and the last; the median of all events. */
export function latencyOf(receipts: Receipts[], causeOf: (id: string, stage: string) => number): Latency {
  const perEvent = receipts.map(({ id, stage, at }) => {
    const cause = causeOf(id, stage);
    return at.map((at) => at - cause).sort((a, b) => a - b);
  });
  const medianOf = (share: number) => median(perEvent.map((sorted) => percentile(sorted, share)));
  return {
    p50: medianOf(0.5),
    p99: medianOf(0.99),
    max: medianOf(1),
    received: perEvent.reduce((sum, { length }) => sum + length, 0),
  };
}

/** Of all receipts together: for events that have few watchers each. */
export function pooledLatency(receipts: Receipts[], causeOf: (id: string, stage: string) => number): Latency {
  const all = receipts.flatMap(({ id, stage, at }) => at.map((at) => at - causeOf(id, stage)));
  const sorted = all.sort((a, b) => a - b);
  return {
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    received: sorted.length,
  };
}

/** The value that this share of the sorted values does not exceed. */
export function percentile(sorted: number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
