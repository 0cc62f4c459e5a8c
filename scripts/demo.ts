// `make demo`: two videos from submit to storage on this machine alone, without an account. Wiro is played by the
// stand-in in sim/; the Worker is the real one, in the runtime it is deployed to.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sim, startSim } from '../sim/index.ts';
import { download, probe, seek } from './demo/demo-check.ts';
import { meaningOf } from './demo/demo-stages.ts';
import { keyRows, objectRows } from './demo/demo-storage.ts';
import { gradientPng } from './shared/gradient.ts';
import { openStorage } from './shared/local-storage.ts';
import { reasonOf } from './shared/reason.ts';
import { type Defer, runToExit } from './shared/shutdown.ts';
import { settingsFor } from './shared/stand-in.ts';
import { bar, bytes, columns, LiveLine, seconds } from './shared/terminal.ts';
import { ended, submit, type Video } from './shared/video-client.ts';
import { DevProcess, freePort, root } from './shared/worker-process.ts';
import { readable } from './shared/wrangler-output.ts';

/** A job of one minute takes about four seconds, slow enough to follow. */
const SPEED = 14;
const PATIENCE_MS = 60_000;
const LOG_TAIL_LINES = 15;
const FILE = 'demo.mp4';

const started = performance.now();
const live = new LiveLine();
let worker: DevProcess | undefined;

await runToExit(demo, (error) => {
  live.end();
  const log = (worker?.logs ?? []).map(readable).filter((line) => line !== undefined);
  if (log.length > 0) console.error("\nThe end of the Worker's log:");
  for (const line of log.slice(-LOG_TAIL_LINES)) console.error(`  ${line}`);
  console.error(`\nThe demo failed: ${reasonOf(error)}`);
});

async function demo(defer: Defer): Promise<number> {
  say('hailuo-worker: two videos, made on this machine\n');
  await rm(join(root, FILE), { force: true });
  defer(() => live.end());

  // 1. Start the stand-in and the Worker, and open its storage.
  const sim = await startSim({ speed: SPEED });
  defer(() => sim.close());
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-demo-'));
  defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  worker = new DevProcess(await freePort(), folder, {
    ...settingsFor(sim),
    SIGNING_KEY: createHash('sha256').update(folder).digest('hex'),
    POLL_SECONDS: '0.3',
    RETRY_SECONDS: '0.2',
  });
  const { origin } = worker;
  defer(() => worker?.kill('SIGTERM'));
  live.show('start', '  The Worker starts …');
  await worker.start();
  const storage = await openStorage(folder);
  defer(() => storage.close());
  live.clear();
  table([
    ['Wiro', sim.url, `the stand-in in sim/, ${SPEED} times as fast: no account, no cost, a sample video`],
    ['Worker', origin, 'the real one, in wrangler dev; KV and R2 lie in a temporary folder'],
  ]);

  // 2. Make the videos.
  const prompt = 'A paper boat drifts down a rainy street at night, neon in the puddles';
  say('\n1 of 2: a video from a prompt');
  const first = await make(() => submit(origin, { prompt }), [`"${prompt}"`]);

  const picture = gradientPng(320, 180);
  const form = new FormData();
  form.set('prompt', 'The evening sky begins to move');
  form.set('inputImageFirst', new Blob([picture], { type: 'image/png' }), 'sky.png');
  say('\n2 of 2: a video from a first frame and a prompt');
  await make(
    () => submit(origin, form),
    [`"${form.get('prompt')}"`, `sky.png, 320 × 180, ${bytes(picture.length)}`],
  );
  await Promise.all(sim.tasks.map((task) => task.calledBack()));
  checkCalls(sim, picture);

  // 3. Show what is stored.
  say('\nWhat went between the Worker and Wiro');
  table(callRows(sim), [0]);
  say('\nWhat KV holds: a record for each video');
  table(await keyRows(storage.bindings.TASKS), [1]);
  say('\nWhat R2 holds: the videos, and the picture');
  table(await objectRows(storage.bindings.VIDEOS), [1]);

  // 4. Save the first video as a file.
  const { content, findings } = await download(first);
  await writeFile(join(root, FILE), content);
  say(`\nThe first video, now also here as ${FILE}`);
  table([...findings, await seek(first, content), probe(join(root, FILE))]);

  say(`\nAll of it took ${seconds(performance.now() - started)}. Next: make dev, for the page and the API.`);
  return 0;
}

/** Submits and follows one video to its end. */
async function make(send: () => Promise<Video>, inputs: string[]): Promise<Video> {
  const begun = performance.now();
  for (const input of inputs) say(`  ${input}`);
  const accepted = await send();
  say(`  202 Accepted: ${accepted.id}`);
  const video = await ended(accepted, PATIENCE_MS, ({ stage, progress }) => {
    const figures = `${String(progress).padStart(3)} %  ${seconds(performance.now() - begun).padStart(6)}`;
    live.show(stage, `  ${bar(progress)} ${figures}  ${stage.padEnd(22)}  ${meaningOf(stage)}`);
  });
  live.end();
  if (video.status !== 'completed') {
    throw new Error(`a video ended as ${video.status}: ${video.error?.message ?? 'no reason given'}`);
  }
  return video;
}

/** The stand-in checks every call against Wiro's documentation. */
function checkCalls(sim: Sim, picture: Buffer): void {
  const [refused] = sim.rejections();
  if (refused) throw new Error(`the stand-in refused ${refused.path}: ${refused.refused}`);
  const image = sim.tasks.at(-1)?.image;
  const sha256 = createHash('sha256').update(picture).digest('hex');
  if (image?.sha256 !== sha256) throw new Error('the picture did not reach Wiro as it was sent');
}

function callRows(sim: Sim): string[][] {
  const count = (path: string) => `${sim.callsTo(path).length}`;
  const callbacks = sim.tasks.flatMap((task) => task.callbacks).filter(({ status }) => status === 200);
  return [
    [count('/Run/'), 'Run', 'one for each video, never a second one'],
    [count('/Task/Detail'), 'Task/Detail', 'how far it is; the only answer that is believed'],
    [`${callbacks.length}`, 'callback', 'from Wiro when a video ends: a hint to look at once'],
    [count('/cdn/'), 'download', 'of the finished video, into R2'],
  ];
}

function table(rows: string[][], alignRight: number[] = []): void {
  for (const line of columns(rows, alignRight)) say(`  ${line}`);
}

function say(line: string): void {
  console.log(line);
}
