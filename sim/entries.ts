// File entries: a task's outputs in its row, and uploaded files.
import type { Output } from './output.ts';
import { type Row, unixSeconds } from './row.ts';

/** The part of a task that its entries show. */
interface TaskFiles {
  uuid: string;
  prompt: string;
  publishedFiles: Output[];
  preview: Output | undefined;
}

/** The entries of `outputs`. With a preview, the first entry has no URL. */
export function outputEntries(task: TaskFiles): Row[] {
  const files = task.publishedFiles.map((output) => outputEntry(task, output));
  // Guess: only language models are known to have such an entry.
  const raw = { contenttype: 'raw', content: { prompt: task.prompt, raw: '', thinking: [], answer: [] } };
  return task.preview ? [raw, ...files] : files;
}

function outputEntry(task: TaskFiles, output: Output): Row {
  return {
    id: output.id,
    name: output.name,
    contenttype: output.contentType,
    parentid: output.parentId,
    uuid: task.uuid,
    ...storedFile(output),
  };
}

/** The fields that outputs and uploaded files share. */
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
