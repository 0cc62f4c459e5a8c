// Prefer: wait=N (RFC 7240).

const MAX_SECONDS = 60;

/** How many seconds the client is willing to wait, or undefined. */
export function preferredWait(header) {
  const [, seconds] = header?.match(/(?:^|,)\s*wait\s*=\s*"?(\d+)"?\s*(?:[;,]|$)/i) ?? [];
  if (seconds === undefined || Number(seconds) === 0) return undefined;
  return Math.min(Number(seconds), MAX_SECONDS);
}
