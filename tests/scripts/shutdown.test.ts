// Everything that a script started is stopped, however the script ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const SHUTDOWN = new URL('../../scripts/shared/shutdown.ts', import.meta.url);

/** Runs a script in its own process; sends `signal` as soon as it prints something. */
async function run(script: string, options = '{}', signal?: NodeJS.Signals) {
  const code = `
    import { runToExit } from '${SHUTDOWN}';
    await runToExit(async (defer) => {
      defer(() => console.log('first'));
      defer(async () => console.log('second'));
      ${script}
    }, (error) => console.log(error.message), ${options});`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (signal) child.stdout.once('data', () => child.kill(signal));
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { lines: output.trim().split('\n'), exitCode };
}

const FOREVER = "console.log('runs'); await new Promise((resolve) => setTimeout(resolve, 60_000));";

test('at its end everything is stopped in reverse order', async () => {
  expect(await run('return 3;')).toEqual({ lines: ['second', 'first'], exitCode: 3 });
});

test('at a failure everything is stopped', async () => {
  expect(await run("throw new Error('broken');")).toEqual({
    lines: ['broken', 'second', 'first'],
    exitCode: 1,
  });
});

test('if stopping one thing fails, the others are still stopped', async () => {
  const { lines, exitCode } = await run("defer(() => { throw new Error('stuck'); }); return 0;");
  expect({ lines, exitCode }).toEqual({ lines: ['stuck', 'second', 'first'], exitCode: 1 });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('at %s everything is stopped, whatever a library does', async (signal, exitCode) => {
  const library =
    "process.on('SIGINT', () => process.exit(9)); process.on('SIGTERM', () => process.exit(9));";
  const script = `${library} await null; ${FOREVER}`;
  expect(await run(script, '{}', signal)).toEqual({ lines: ['runs', 'second', 'first'], exitCode });
});

test('a signal ends it with success if that is expected', async () => {
  expect((await run(FOREVER, '{ endsBySignal: true }', 'SIGINT')).exitCode).toBe(0);
});
