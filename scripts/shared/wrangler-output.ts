// Filters the output of `wrangler dev`: shows the Worker's log and requests, without wrangler's banner, bindings and
// warnings about an unneeded network.
import { stripVTControlCharacters } from 'node:util';

const NOISE = [
  /^\s*$/,
  /⛅️ wrangler/,
  /^─+$/,
  /^Using secrets defined in/,
  /^Using vars defined in/,
  /^Your Worker has access to the following bindings/,
  /^Binding\s+Resource/,
  /^env\.\w+ \(/,
  /^env\.\w+\s+\S/,
  /^⎔ /,
  /^\[wrangler:info\] Ready on/,
  /^\[custom build\]\s*$/,
  /^\[custom build\] Running: /,
  /^\[custom build\] make(\[\d+\])?: (Entering|Leaving|Nothing)/,
  /Request\.cf|workers\.cloudflare\.com/,
  /^\s+at .*\(node:/,
  /^\[wrangler:info\] GET \/cdn-cgi\//,
  // workerd logs this when an alarm was moved to an earlier time. The alarm runs nevertheless.
  /NOSENTRY SQLite alarm overdue/,
];

/** The formatted line, or undefined for an unneeded one. */
export function readable(line: string): string | undefined {
  const plain = stripVTControlCharacters(line).trimEnd();
  if (NOISE.some((noise) => noise.test(plain))) return undefined;
  return logEntry(plain) ?? withoutSecrets(plain.replace(/^\[wrangler:info\] /, ''));
}

/** A line of the Worker's own log: `level  message  field=value …`. */
function logEntry(line: string): string | undefined {
  // Wrangler marks lines of console.warn and console.error.
  const json = line.replace(/^\S \[(WARNING|ERROR)\] /, '');
  if (!json.startsWith('{')) return undefined;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { level, message, ...fields } = entry;
  if (typeof level !== 'string' || typeof message !== 'string') return undefined;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${text(value)}`);
  return [level.padEnd(5), message, ...rest].join('  ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Removes proofs and grants: anyone with the path of a callback could send one, and a grant opens a video. */
function withoutSecrets(line: string): string {
  return line.replace(/(\/hooks\/wiro\/[^/\s]+\/)\S+/, '$1…').replace(/([?&]grant=)[^&\s]+/, '$1…');
}
