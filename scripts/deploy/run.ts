// A run of `make deploy` or `make rotate`: what it is told, and where it says what it does.
import { reasonOf } from '../shared/reason.ts';
import { type Defer, runToExit } from '../shared/shutdown.ts';

export interface Run {
  environment: NodeJS.ProcessEnv;
  /** Whether somebody sees the output, and may answer. */
  isTerminal: boolean;
  /** Whether wrangler writes to the terminal itself, where it can ask; otherwise its output is said. */
  isShared: boolean;
  say(line: string): void;
  defer: Defer;
}

/** Says lines as a paragraph; nothing if there are none. */
export function sayAll(run: Run, lines: string[]): void {
  if (lines.length > 0) run.say(`\n${lines.join('\n')}`);
}

/** An error that this project made says all in its message, which may have several lines. */
export function failureOf(error: unknown): string {
  return error instanceof Error && error.message.includes('\n') ? error.message : reasonOf(error);
}

/** Runs it in this process, to its end. */
export function runInTerminal(main: (run: Run) => Promise<number>): Promise<never> {
  return runToExit(
    (defer) =>
      main({
        ...{ environment: process.env, isTerminal: process.stdout.isTTY, isShared: true, defer },
        say: (line) => console.log(line),
      }),
    (error) => console.error(failureOf(error)),
  );
}
