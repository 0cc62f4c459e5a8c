// The row of a task as Task/Detail, Task/List, Cancel, Kill and callbacks show it, and the entries of its outputs.
import { TIME_FIELDS } from './lifecycle.ts';
import type { Output } from './output.ts';
import type { SimTask } from './task.ts';

export type Row = Record<string, unknown>;

/** Numbers are text, times unix seconds (or "0"), and the categories a JSON array inside a string. */
export function detailRow(task: SimTask, apiUrl: string): Row {
  const entries = task.deleted ? [] : outputEntries(task);
  const size = task.deleted ? 0 : task.publishedFiles.reduce((sum, output) => sum + output.size, 0);
  const cost = task.succeeded ? task.price : 0;
  const elapsed = task.elapsedSeconds;
  const times = stageTimes(task);
  const row: Row = {
    id: task.id,
    uuid: task.uuid,
    name: '',
    socketaccesstoken: task.token,
    parameters: parameters(task, apiUrl),
    debugoutput: task.stdout.join('\n'),
    debugerror: task.stderr.join('\n'),
    starttime: times.starttime,
    endtime: times.endtime,
    elapsedseconds: elapsed.toFixed(4),
    status: task.status,
    cps: (cost > 0 && elapsed > 0 ? cost / elapsed : 0).toFixed(12),
    totalcost: cost.toFixed(12),
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
    categories: '["image-to-video","text-to-video"]',
    outputs: entries,
    size: String(size),
  };
  return task.faults.patch?.(row) ?? row;
}

/** The entries of `outputs`: one without a URL comes with a preview. */
export function outputEntries(task: SimTask): Row[] {
  const files = task.publishedFiles.map((output) => outputEntry(task, output));
  // Guess: only language models are known to have such an entry.
  const raw = { contenttype: 'raw', content: { prompt: task.prompt, raw: '', thinking: [], answer: [] } };
  return task.preview ? [raw, ...files] : files;
}

function outputEntry(task: SimTask, output: Output): Row {
  return {
    id: output.id,
    name: output.name,
    contenttype: output.contentType,
    parentid: output.parentId,
    uuid: task.uuid,
    ...storedFile(output),
  };
}

/** What an output and an uploaded file have in common. */
export function storedFile(output: Output): Row {
  const added = unixSeconds(output.addedAt);
  return {
    size: String(output.size),
    addedtime: added,
    modifiedtime: added,
    accesskey: output.accessKey,
    foldercount: '0',
    filecount: '0',
    ispublic: 0,
    expiretime: null,
    url: output.url,
  };
}

function parameters(task: SimTask, apiUrl: string): Row {
  const files = Object.values(task.madeWith.pictures).flatMap(({ id, frame }) => {
    const picture = task.pictures[frame];
    if (!picture || !('file' in picture)) return [];
    const extension = picture.file.contentType.replace('image/', '');
    const name = `${id}-${task.inputKey.slice(0, 7)}.${extension}`;
    return [[id, `${apiUrl}/File/${task.inputKey}/${name}`]];
  });
  return { ...task.understood, ...Object.fromEntries(files) };
}

function stageTimes(task: SimTask): Record<string, string> {
  const times = Object.fromEntries(Object.values(TIME_FIELDS).map((field) => [field, '0']));
  for (const { status, at } of task.history) {
    const field = TIME_FIELDS[status];
    if (field) times[field] = unixSeconds(at);
  }
  return times;
}

export function unixSeconds(milliseconds: number): string {
  return String(Math.floor(milliseconds / 1000));
}
