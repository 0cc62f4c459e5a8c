// Statistics of several rounds: the median, and the range.

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The lowest and the highest. */
export function spread(values: number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Ratios per round, so that a busy moment of the machine affects both sides. */
export function ratios(above: number[], below: number[]): number[] {
  return above.map((value, round) => value / (below[round] ?? Number.NaN));
}
