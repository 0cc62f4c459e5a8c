// The names of the Worker's settings, as its source lists them, and the nearest one to a misspelt name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../shared/worker-process.ts';

export interface KnownSettings {
  vars: string[];
  secrets: string[];
}

export function knownSettings(): KnownSettings {
  const source = readFileSync(join(root, 'src/config/settings.rs'), 'utf8');
  const vars = names(/DEFAULTS: [^=]+= \[([\s\S]*?)\n\];/.exec(source)?.[1], /\("([A-Z_]+)"/g);
  const secrets = names(/SECRETS: [^=]+= \[([\s\S]*?)\];/.exec(source)?.[1], /"([A-Z_]+)"/g);
  return { vars, secrets };
}

function names(list: string | undefined, name: RegExp): string[] {
  const found = [...(list ?? '').matchAll(name)].map(([, text]) => text ?? '');
  if (found.length === 0)
    throw new Error('src/config/settings.rs lists the settings in another way than before');
  return found;
}

/** `; did you mean DAILY_BUDGET_USD?`, or nothing if no known name is near. */
export function suggestion(name: string, known: string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

export function nearestName(name: string, known: string[]): string | undefined {
  const wanted = name.toUpperCase();
  const distances = known.map((candidate) => ({
    candidate,
    distance: distance(wanted, candidate.toUpperCase()),
  }));
  const [best] = distances.sort((one, other) => one.distance - other.distance);
  if (best && best.distance <= Math.max(2, Math.floor(wanted.length / 3))) return best.candidate;
  // A name that was cut short, or has too much at its end.
  return known.find((candidate) => {
    const [short, long] = [wanted, candidate.toUpperCase()].sort((one, other) => one.length - other.length);
    return short !== undefined && short.length >= 5 && long?.startsWith(short);
  });
}

/** How many characters must be added, removed or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, character] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, wanted] of [...other].entries()) {
      const changed = (row[column] ?? 0) + (character === wanted ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
