// The Task endpoints: Detail, Cancel, Kill, List and InputOutputDelete.
import { malformed, refusalOf } from './endpoints/exchange.ts';
import type { Form } from './endpoints/form.ts';
import { REFUSALS } from './endpoints/refusals.ts';
import type { SimTask } from './endpoints/task.ts';
import type { Wiro } from './endpoints/wiro.ts';
import { cleanSlug } from './models.ts';

/** What a task can be named by. Guess: that each endpoint but Task/InputOutputDelete takes all of them. */
const NAMES = ['tasktoken', 'socketaccesstoken', 'taskid'] as const;

/** @throws ApiError when the form names no task, more than one, or none of this account. */
export function findTask({ tasks }: Wiro, form: Form): SimTask {
  const { fields } = form;
  checkNames(form);
  const given = NAMES.filter((name) => fields[name]);
  if (given.length === 0) throw refusalOf(REFUSALS.identifierRequired, 'no task is named');
  const found = given.map((name) =>
    tasks.find(({ id, token }) => fields[name] === (name === 'taskid' ? id : token)),
  );
  const [task] = found;
  if (!task) throw refusalOf(REFUSALS.taskNotFound);
  if (found.some((other) => other !== task)) throw malformed(`${given.join(' and ')} are of different tasks`);
  return task;
}

/** @throws ApiError unless the form has the token of a task of this account. */
export function findTaskByToken({ tasks }: Wiro, form: Form): SimTask {
  const { tasktoken } = form.fields;
  checkNames(form);
  if (!tasktoken) throw refusalOf(REFUSALS.tokenRequired, 'Task/InputOutputDelete wants a tasktoken');
  const task = tasks.find(({ token }) => token === tasktoken);
  if (!task) throw refusalOf(REFUSALS.taskNotExist);
  return task;
}

function checkNames({ fieldOrder }: Form): void {
  const unknown = fieldOrder.find((name) => !NAMES.some((known) => known === name));
  if (unknown !== undefined) throw malformed(`Request parameter [${unknown}] is unknown`);
}

export function detail(wiro: Wiro, task: SimTask): object {
  return { total: '1', errors: [], tasklist: [wiro.ownRow(task)], result: true };
}

/** For tasks in the queue. */
export function cancel(wiro: Wiro, task: SimTask): object {
  if (!task.queued) throw refusalOf(REFUSALS.notCancellable);
  return stopped(wiro, task);
}

/** For tasks a worker has taken. */
export function kill(wiro: Wiro, task: SimTask): object {
  const isTooEarly = wiro.settings.killsFromAssign ? !task.hasBeen('task_assign') : task.queued;
  if (isTooEarly || task.ended) throw refusalOf(REFUSALS.notKillable);
  return stopped(wiro, task);
}

function stopped(wiro: Wiro, task: SimTask): object {
  task.stop();
  return { errors: [], tasklist: [wiro.ownRow(task)], result: true };
}

/** Only when it has ended; again and again if need be. */
export function deleteFiles(wiro: Wiro, task: SimTask): object {
  if (!task.ended) throw refusalOf(REFUSALS.notEnded);
  wiro.deleteFiles(task);
  return { errors: [], result: true };
}

const LIST_FIELDS: Record<string, { standard: string; pattern: RegExp }> = {
  type: { standard: 'model', pattern: /^model$/ },
  sort: { standard: 'id', pattern: /^id$/ },
  order: { standard: 'DESC', pattern: /^(ASC|DESC)$/ },
  start: { standard: '0', pattern: /^\d+$/ },
  limit: { standard: '20', pattern: /^\d+$/ },
  modelName: { standard: '', pattern: /./ },
};

/** Guess: a larger `limit` is taken for this one. */
const MOST_ROWS = 100;

export interface ListPage {
  order: string;
  start: number;
  limit: number;
  /** Part of a slug; '' for all. */
  modelName: string;
}

/** @throws ApiError for a parameter Task/List does not have, or a value it does not take. */
export function checkList({ fields, fieldOrder }: Form): ListPage {
  for (const name of fieldOrder) {
    if (!LIST_FIELDS[name]?.pattern.test(fields[name] ?? '')) {
      throw malformed(`Request parameter [${name}] is unknown or invalid`);
    }
  }
  const value = (name: string) => fields[name] ?? LIST_FIELDS[name]?.standard ?? '';
  const limit = Math.min(Number(value('limit')), MOST_ROWS);
  return { order: value('order'), start: Number(value('start')), limit, modelName: value('modelName') };
}

export function list(wiro: Wiro, page: ListPage, withCallbackUrl: boolean): object {
  const { order, start, limit, modelName } = page;
  // Guess: how a name is compared.
  const meant = wiro.tasks.filter(({ model }) => model.includes(cleanSlug(modelName)));
  const tasks = order === 'DESC' ? meant.toReversed() : meant;
  // Guess: that the rows are Detail's, with logs and parameters.
  const rows = tasks.slice(start, start + limit).map((task) => {
    const { callbackurl, ...row } = wiro.row(task);
    const isTold = withCallbackUrl && task.faults.listCallbackUrl !== false;
    return isTold ? { ...row, callbackurl } : row;
  });
  return { total: String(meant.length), errors: [], tasklist: rows, result: true };
}
