// The summary: numbers, the faults with the ends of their jobs, and all errors.
import { columns } from '../shared/terminal.ts';
import { endingOf, KINDS, type Problem, wasCutOff } from './audit.ts';
import type { Case } from './evidence.ts';
import { STAGES } from './faults.ts';
import { CLIENTS, type Soak } from './run.ts';

/** The maximum number of printed errors. */
const MOST_PROBLEMS = 30;
const NO_FAULT = 'none';

export function summary(soak: Soak, problems: Problem[]): string[] {
  const { seconds, downSeconds, evidence } = soak;
  const { cases } = evidence;
  const interrupted = cases.filter((found) => found.interrupted);
  const cutOff = interrupted.filter(wasCutOff).length;
  const counts = KINDS.map((kind) => `${problems.filter((problem) => problem.kind === kind).length} ${kind}`);
  return [
    `${cases.length} jobs by ${CLIENTS} clients in ${seconds.toFixed(1)} s: ${(cases.length / seconds).toFixed(1)} a second`,
    `killed with ${interrupted.length} under way (${cutOff} before Run had arrived), back after ${downSeconds.toFixed(1)} s`,
    // Wrangler's own workers run in workerd too, and keep a little memory for each request.
    `memory at most: ${mebibytes(soak.wasmBytes)} of wasm, ${mebibytes(soak.peakBytes)} of workerd with all that wrangler adds`,
    '',
    ...faultTable(cases),
    '',
    counts.join(', '),
    ...problems.slice(0, MOST_PROBLEMS).map(({ kind, text }) => `${kind}: ${text}`),
    ...(problems.length > MOST_PROBLEMS ? [`… and ${problems.length - MOST_PROBLEMS} more`] : []),
  ];
}

/** A job that met two faults counts for both. */
function faultTable(cases: Case[]): string[] {
  const names = [NO_FAULT, ...STAGES.flat().map(({ name }) => name)];
  const rows = names.flatMap((name) => {
    const met = cases.filter(({ job: { faults } }) =>
      (faults.length > 0 ? faults : [NO_FAULT]).includes(name),
    );
    return met.length > 0 ? [[name, `${met.length}`, endings(met)]] : [];
  });
  return columns([['fault', 'jobs', 'became'], ...rows], [1]);
}

function endings(cases: Case[]): string {
  const byEnding = Map.groupBy(cases, ({ video }) => (video ? endingOf(video) : 'lost'));
  return [...byEnding].map(([ending, all]) => `${all.length} ${ending}`).join(', ');
}

function mebibytes(bytes: number): string {
  return bytes > 0 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : 'an unknown amount';
}
