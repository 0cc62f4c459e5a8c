// POST /hooks/wiro/{id}/{proof}: Wiro's callback. The proof authenticates it; the body may name a job.
import { taskOf } from '../call-object.js';
import { readSmall } from '../streams.js';
import { noSuchVideo } from './errors.js';

const MAX_CALLBACK_BYTES = 1024 * 1024;

export async function wiroCallback({ request, env, settings }, id, proof) {
  if (!(await settings.signingKeys.isCallbackProof(id, proof))) throw noSuchVideo();
  const hint = await namedJob(request);
  await taskOf(env, id).nudge(hint);
  return Response.json({ received: true });
}

/** A body that cannot be read names no job, which is not an error. */
async function namedJob(request) {
  if (!request.body) return undefined;
  try {
    const bytes = await readSmall(request, MAX_CALLBACK_BYTES);
    return bytes && jobIn(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function jobIn(text) {
  const named = parsed(text) ?? Object.fromEntries(new URLSearchParams(text));
  const task = named.tasklist?.[0] ?? named;
  const taskId = name(task.taskid) ?? name(task.id);
  return taskId && { taskId, token: name(task.socketaccesstoken) ?? name(task.tasktoken) };
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
}

/** A name that looks like one of Wiro's. */
const name = (value) => (/^[\w-]{1,64}$/.test(`${value ?? ''}`) ? `${value}` : undefined);
