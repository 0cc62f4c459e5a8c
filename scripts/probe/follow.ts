// Follows one video from its Run to its end, by Task/Detail, socket and callback.
import { setTimeout as pause } from 'node:timers/promises';
import { gradientPng } from '../shared/gradient.ts';
import { isLoopback, type Receiver, startReceiver } from './callback.ts';
import { type Calls, type Http, refusalOf } from './calls.ts';
import {
  askCrate,
  type CallMeaning,
  type Form,
  type Format,
  type Result,
  type TaskMeaning,
} from './crate.ts';
import { dollars, nameOf, type ProbedModel } from './model.ts';
import type { Report } from './report.ts';
import type { ProbeSettings } from './settings.ts';
import { followSocket, type SocketStory } from './socket.ts';
import { checkVideo } from './video.ts';

const PROMPT = 'The evening sky slowly darkens over a calm sea';
const DEADLINE_MS = 60 * 60_000;
/** Wait after the end of a job for a callback and the socket's last message. */
const GRACE_MS = 15_000;

/** Makes the cheapest video and reports the result. */
export async function makeVideo(
  model: ProbedModel,
  calls: Calls,
  settings: ProbeSettings,
  report: Report,
): Promise<void> {
  report.say('');
  const format = choose(model, settings, report);
  if (!format) return;
  const receiver = !settings.callbackUrl && isLoopback(settings.apiUrl) ? await startReceiver() : undefined;
  try {
    await run(model, format, receiver, calls, settings, report);
  } finally {
    await receiver?.close();
  }
}

/** The cheapest format; without known prices the default one, if MAX_USD is set. */
function choose(
  { formats, slug }: ProbedModel,
  { maxUsd }: ProbeSettings,
  report: Report,
): Format | undefined {
  const priced = formats.filter(({ price }) => price !== null);
  const cheapest = priced.toSorted((a, b) => (a.price ?? 0) - (b.price ?? 0))[0];
  if (!cheapest) {
    if (maxUsd === undefined) {
      report.fails(`no video was made: no price of ${slug} is known; say MAX_USD=… to make one all the same`);
      return undefined;
    }
    report.say('Nobody tells the price. Wiro can charge more than MAX_USD: it takes no limit.');
    return formats[0];
  }
  const price = cheapest.price ?? 0;
  if (maxUsd !== undefined && price > maxUsd * 1_000_000) {
    report.fails(`no video was made: the cheapest costs ${dollars(price)}, more than MAX_USD`);
    return undefined;
  }
  report.say(`A video of ${nameOf(cheapest)} is made now. It costs ${dollars(price)} (${cheapest.source}).`);
  return cheapest;
}

async function run(
  model: ProbedModel,
  format: Format,
  receiver: Receiver | undefined,
  calls: Calls,
  settings: ProbeSettings,
  report: Report,
): Promise<void> {
  const { slug, http: tool, description } = model;
  const picture = gradientPng(768, 432);
  const form = await askCrate<Form>({
    do: 'run_form',
    ...{ slug, http: tool, prompt: PROMPT, resolution: format.resolution, duration: format.duration },
    callback_url: receiver?.url ?? settings.callbackUrl ?? '',
    ...(description.first_frame && { first_frame: 'file' }),
  });
  const http = await calls.form(`/Run/${slug}`, form, picture);
  const { task, token } = await askCrate<CallMeaning>({ do: 'read_call', http });
  if (!task) {
    report.fails(`Run was refused: ${(await refusalOf(http, settings)) ?? 'its answer names no task'}`);
    return;
  }
  report.redactor.add(task);
  report.redactor.add(token ?? '');
  if (!token) report.differs('the answer to Run has no socketaccesstoken: the socket cannot be followed');
  const bodies = await askCrate<{ detail: string; task_info: string }>({ do: 'bodies', task, token });
  const socket = token ? followSocket(settings.socketUrl, bodies.task_info) : undefined;
  const hints = [socket?.ended, receiver?.received].filter((hint) => hint !== undefined);
  const ended = await untilEnded(bodies.detail, hints, calls, settings, report);
  // Once more, for changes directly after the end.
  const late = AbortSignal.timeout(GRACE_MS);
  const [story, callback] = await Promise.all([
    socket && socketStory(socket, late),
    receiver && orNothing(receiver.received, late),
  ]);
  reportSocket(story, report);
  await reportCallback(callback, receiver, settings, report);
  if (ended) await reportEnd(ended, format, description.first_frame !== null, report);
  else report.fails('the job has not ended within an hour');
}

interface End {
  http: Http;
  meaning: TaskMeaning;
}

/** Polls Task/Detail, and asks at once when another source reports the end. */
async function untilEnded(
  body: string,
  hints: Promise<unknown>[],
  calls: Calls,
  settings: ProbeSettings,
  report: Report,
): Promise<End | undefined> {
  const interval = isLoopback(settings.apiUrl) ? 500 : 5_000;
  const hinted = hints.map((hint) => ({ hint, isNew: true }));
  let status = '';
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; ) {
    const http = await calls.json('/Task/Detail', body);
    const read = await askCrate<Result<TaskMeaning>>({ do: 'read_detail', http });
    if ('Err' in read) report.differs(`an answer of Task/Detail was not understood: ${read.Err}`);
    else if (read.Ok.state !== 'working') return { http, meaning: read.Ok };
    else if (read.Ok.status && read.Ok.status !== status) {
      status = read.Ok.status;
      report.say(`  ${status}`);
    }
    const waiting = hinted.filter(({ isNew }) => isNew);
    const come = waiting.map(async (entry) => {
      await entry.hint;
      entry.isNew = false;
    });
    await Promise.race([pause(interval), ...come]);
  }
  return undefined;
}

async function socketStory(socket: SocketStory, late: AbortSignal): Promise<SocketStory> {
  await orNothing(socket.ended, late);
  socket.close();
  return socket;
}

function orNothing<T>(promise: Promise<T>, late: AbortSignal): Promise<T | undefined> {
  return Promise.race([
    promise,
    new Promise<undefined>((resolve) => late.addEventListener('abort', () => resolve(undefined))),
  ]);
}

function reportSocket(story: SocketStory | undefined, report: Report): void {
  if (!story) return;
  const { messages, failure, endSeen } = story;
  for (const message of messages) report.record('socket', {}, 'message', message);
  report.say(`Socket: ${messages.length} messages${endSeen() ? ', the end among them' : ''}`);
  if (failure()) report.differs(`the socket failed: ${failure()}`);
  if (!endSeen()) report.differs('the socket did not tell the end');
}

async function reportCallback(
  body: string | undefined,
  receiver: Receiver | undefined,
  { callbackUrl }: ProbeSettings,
  report: Report,
): Promise<void> {
  if (!receiver) {
    report.say(
      callbackUrl ? 'Callback: look at what came to CALLBACK_URL' : 'Callback: none asked for (CALLBACK_URL)',
    );
    return;
  }
  report.say(`Callback: ${body === undefined ? 'none came' : `${body.length} characters`}`);
  if (body === undefined) return report.differs('no callback came');
  report.record('callback', {}, 'received', body);
  if ((await askCrate({ do: 'read_callback', body })) === null) report.differs('the callback names no task');
}

async function reportEnd(
  { http, meaning }: End,
  format: Format,
  withPicture: boolean,
  report: Report,
): Promise<void> {
  const { state, cost, pictures } = meaning;
  report.say(`Task/Detail: ${state}; charged: ${cost ? `$${cost}` : 'not told'}`);
  if (state !== 'succeeded') {
    report.fails(`the job ended without a video: ${meaning.cause ?? state} ${meaning.reason ?? ''}`.trim());
    return;
  }
  const { parameters } = JSON.parse(http.body).tasklist[0];
  report.say(
    `Parameters in Task/Detail: ${parameters ? 'shown' : 'not shown'}${pictures ? ', with the picture' : ''}`,
  );
  if (!parameters) report.differs('Task/Detail does not show the parameters');
  else if (withPicture && !pictures)
    report.fails('the picture that was sent is not among the parameters of the job');
  if (cost == null) report.differs('Task/Detail tells no cost');
  else if (format.price !== null && Math.round(Number(cost) * 1_000_000) !== format.price) {
    report.differs(`the video cost $${cost}, and ${dollars(format.price)} was told before`);
  }
  await checkVideo(meaning, report);
}
