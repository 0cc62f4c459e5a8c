// The fault table as text, in aligned columns.
import type { Outcome } from './outcome.ts';

const HEAD = ['fault', 'submit', 'tasks', 'Runs', 'video'];

export function printed(outcomes: [name: string, outcome: Outcome][]): string {
  const rows = outcomes.map(([name, { submit, tasks, runs, video }]) =>
    [name, submit, tasks, runs, video].map(String),
  );
  const lines = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const padded = (line: string[]) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0));
  return lines.map((line) => padded(line).join('  ').trimEnd()).join('\n');
}
