// Stops everything that a script started, in reverse order, at its end, a failure or Ctrl-C.

const SIGNALS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Registers how to stop something, ideally before it starts. */
export type Defer = (stop: () => Promise<void> | void) => void;

/**
 * Runs a script, stops what it deferred, and exits: with its own code, with 1 when it throws (`onError` says why), or
 * with what a shell expects of a process that a signal ended, unless that is how it is meant to end.
 */
export async function runToExit(
  script: (defer: Defer) => Promise<number>,
  onError: (error: unknown) => void,
  { endsBySignal = false } = {},
): Promise<never> {
  const stops: (() => Promise<void> | void)[] = [];
  const interrupted = Promise.withResolvers<number>();
  for (const [signal, number] of Object.entries(SIGNALS)) {
    // Not `once`: a second Ctrl-C must not leave processes behind.
    process.on(signal, () => interrupted.resolve(endsBySignal ? 0 : 128 + number));
  }
  // Miniflare also ends its process at a signal, but at once, before the other things are stopped.
  process.on('newListener', (event: string, listener: () => void) => {
    if (event in SIGNALS) queueMicrotask(() => process.off(event, listener));
  });
  let code: number;
  try {
    code = await Promise.race([script((stop) => stops.push(stop)), interrupted.promise]);
  } catch (error) {
    code = 1;
    onError(error);
  }
  for (const stop of stops.reverse()) {
    try {
      await stop();
    } catch (error) {
      code ||= 1;
      onError(error);
    }
  }
  process.exit(code);
}
