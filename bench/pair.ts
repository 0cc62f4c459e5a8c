// Starts both services, and compares their numbers.
import { median, ratios, spread } from './report/statistics.ts';
import { figure, ratio } from './report/table.ts';
import { type Kind, type Subject, type SubjectOptions, startSubject } from './subject.ts';
import type { Upstream } from './upstream.ts';

export const KINDS: Kind[] = ['rust', 'javascript'];

/** One of each kind. */
export interface Both<T> {
  rust: T;
  javascript: T;
}

export async function both<T>(make: (kind: Kind) => Promise<T> | T): Promise<Both<T>> {
  return { rust: await make('rust'), javascript: await make('javascript') };
}

/** Starts both and stops them in any case. */
export async function withPair<T>(
  upstream: Upstream,
  options: SubjectOptions,
  measure: (pair: Both<Subject>) => Promise<T>,
): Promise<T> {
  const started: Subject[] = [];
  try {
    const pair = await both(async (kind) => {
      const subject = await startSubject(kind, upstream, options);
      started.push(subject);
      return subject;
    });
    return await measure(pair);
  } finally {
    await Promise.all(started.map((subject) => subject.stop()));
  }
}

/** Round by round, one kind after the other. */
export async function interleaved<T>(
  rounds: number,
  measure: (kind: Kind) => Promise<T>,
): Promise<Both<T[]>> {
  const all: Both<T[]> = { rust: [], javascript: [] };
  for (let round = 0; round < rounds; round++) {
    // The second service finds the machine as the first has left it, so they take turns.
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) all[kind].push(await measure(kind));
  }
  return all;
}

/** The medians of both, and the ratio of Rust's to JavaScript's. */
export function compared<T>(
  { rust, javascript }: Both<T[]>,
  pick: (round: T) => number,
): [string, string, string] {
  const [above, below] = [rust.map(pick), javascript.map(pick)];
  const all = ratios(above, below);
  return [figure(median(above)), figure(median(below)), ratio(median(all), spread(all))];
}
