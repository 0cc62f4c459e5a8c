// What `wrangler dev` writes, for people: the Worker's log and the requests, without wrangler's banner, its list of
// bindings, and its complaints about a network it does not need.
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
  // workerd, when an alarm was moved to an earlier time; it runs all the same.
  /NOSENTRY SQLite alarm overdue/,
];

/** The line as it is shown, or undefined for one that nobody needs. */
export function readable(line: string): string | undefined {
  const plain = stripVTControlCharacters(line).trimEnd();
  if (NOISE.some((noise) => noise.test(plain))) return undefined;
  return logEntry(plain) ?? withoutSecrets(plain.replace(/^\[wrangler:info\] /, ''));
}

/** A line of the Worker's own log: `level  message  field=value …`. */
function logEntry(line: string): string | undefined {
  // Wrangler marks what went to console.warn and console.error.
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

/** Who knows the path of a callback may call back, and who knows a grant may see its video. */
function withoutSecrets(line: string): string {
  return line.replace(/(\/hooks\/wiro\/[^/\s]+\/)\S+/, '$1…').replace(/([?&]grant=)[^&\s]+/, '$1…');
}
