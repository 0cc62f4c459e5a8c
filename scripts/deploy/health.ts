// What a deployed Worker says of itself. A new version takes a while to be everywhere, a new host name longer.

/** How often it is asked. */
const EVERY_MS = 1000;
/** One answer may take so long. */
const ANSWER_MS = 10_000;

export type Health =
  | { kind: 'ok'; version: string; protection: string }
  /** It runs and refuses its settings. */
  | { kind: 'misconfigured'; detail: string }
  | { kind: 'unreachable'; reason: string };

/** Asks until `isExpected`, at most for so long; returns the last answer. */
export async function healthOf(
  address: string,
  withinMs: number,
  isExpected: (health: Health) => boolean,
): Promise<Health> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const health = await ask(address);
    const waitMs = Math.min(EVERY_MS, deadline - performance.now());
    if (isExpected(health) || waitMs <= 0) return health;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function ask(address: string): Promise<Health> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`${address}/health`, { signal, redirect: 'manual' });
    const body = await response.text();
    const answer = jsonOf(body);
    if (response.ok && answer?.status === 'ok') {
      return { kind: 'ok', version: `${answer.version}`, protection: `${answer.protection}` };
    }
    if (answer?.code === 'misconfigured') return { kind: 'misconfigured', detail: `${answer.detail}` };
    return { kind: 'unreachable', reason: `status ${response.status}, and no answer of this Worker` };
  } catch (error) {
    const { cause, message } = error as Error;
    return { kind: 'unreachable', reason: cause instanceof Error ? cause.message : message };
  }
}

function jsonOf(body: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
