// The row of a task as Task/Detail, Task/List, Cancel, Kill and callbacks show it.
import { outputEntries } from '../entries.ts';
import { TIME_FIELDS } from '../lifecycle.ts';
import type { Settings } from '../options.ts';
import { type Row, unixSeconds } from '../row.ts';
import type { SimTask } from './task.ts';
import { categoriesOf } from './tool.ts';

export function detailRow(task: SimTask, apiUrl: string, settings: Settings): Row {
  const { faults, madeWith: model } = task;
  const entries = task.deleted ? [] : outputEntries(task);
  const size = task.deleted ? 0 : task.publishedFiles.reduce((sum, output) => sum + output.size, 0);
  const cost = task.succeeded ? task.price.toFixed(12) : (0).toFixed(12);
  const totalCost = task.ended || task.stuck ? (faults.cost ?? cost) : cost;
  const elapsed = task.elapsedSeconds;
  const times = stageTimes(task);
  const row: Row = {
    id: task.id,
    uuid: task.uuid,
    name: '',
    socketaccesstoken: task.token,
    parameters: parameters(task, apiUrl, settings),
    debugoutput: padded(task.stdout.join('\n'), settings.logBytes),
    debugerror: (task.failed && faults.reason) || task.stderr.join('\n'),
    starttime: times.starttime,
    endtime: times.endtime,
    elapsedseconds: elapsed.toFixed(4),
    status: task.status,
    cps: (elapsed > 0 ? Number(totalCost) / elapsed : 0).toFixed(12),
    totalcost: totalCost,
    guestid: null,
    projectid: task.projectId ?? '699',
    modelid: '598',
    description: '',
    basemodelid: '0',
    runtype: 'model',
    modelfolderid: '',
    modelfileid: '',
    callbackurl: task.callbackUrl,
    marketplaceid: null,
    createtime: times.createtime,
    canceltime: times.canceltime,
    assigntime: times.assigntime,
    accepttime: times.accepttime,
    preprocessstarttime: times.preprocessstarttime,
    preprocessendtime: times.preprocessendtime,
    postprocessstarttime: times.postprocessstarttime,
    postprocessendtime: times.postprocessendtime,
    pexit: task.pexit,
    categories: categoriesOf(model),
    modeldescription: `${model.project} makes videos of words and pictures.`,
    modelslugowner: model.owner,
    modelslugproject: model.project,
    outputs: entries,
    size: String(size),
  };
  return faults.patch?.(row) ?? row;
}

/** The parameters that the model knows. A file is shown as its URL at Wiro, under the id of its parameter. */
function parameters(task: SimTask, apiUrl: string, { parametersAs }: Settings): Row | string | null {
  if (parametersAs === 'none') return null;
  const files = Object.values(task.madeWith.pictures).flatMap(({ id, frame }) => {
    const picture = task.pictures[frame];
    if (!picture || !('file' in picture)) return [];
    const extension = picture.file.contentType.replace('image/', '');
    const name = `${id}-${task.inputKey.slice(0, 7)}.${extension}`;
    return [[id, `${apiUrl}/File/${task.inputKey}/${name}`]];
  });
  const shown = { ...task.understood, ...Object.fromEntries(files) };
  return parametersAs === 'text' ? JSON.stringify(shown) : shown;
}

function stageTimes(task: SimTask): Record<string, string> {
  const times = Object.fromEntries(Object.values(TIME_FIELDS).map((field) => [field, '0']));
  for (const { status, at } of task.history) {
    const field = TIME_FIELDS[status];
    if (field) times[field] = unixSeconds(at);
  }
  return times;
}

const LOG_LINE = 'Step 17/50: denoised one more frame of many\n';

/** The output of a run, padded to a size in bytes. */
function padded(text: string, bytes: number | undefined): string {
  if (bytes === undefined) return text;
  const rest = Math.max(0, bytes - Buffer.byteLength(text));
  return (text + LOG_LINE.repeat(Math.ceil(rest / LOG_LINE.length))).slice(0, bytes);
}
