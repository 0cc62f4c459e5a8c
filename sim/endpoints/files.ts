// File/FolderCreate and File/Upload.

import { storedFile } from '../entries.ts';
import { bufferContent } from '../media/media.ts';
import type { Settings } from '../options.ts';
import { newOutput, type Output } from '../output.ts';
import { randomHex } from '../random.ts';
import { unixSeconds } from '../row.ts';
import type { Cdn } from './cdn.ts';
import { malformed, notPossible, refusalOf } from './exchange.ts';
import type { Form } from './form.ts';
import { REFUSALS } from './refusals.ts';
import type { SimTask } from './task.ts';

/** The real CDN. A Run may contain such a URL; the simulator never fetches it. */
const PUBLIC_CDN = 'https://cdn1.wiro.ai';

export interface Folder {
  id: string;
  name: string;
  parentId: string;
}

/** An uploaded file: `url` is public, the bytes are served under the same path here. */
export interface StoredFile extends Output {
  folderId: string;
  /** Deleted from the CDN together with a task that linked to it. */
  deleted: boolean;
}

export class FileStore {
  readonly folders: Folder[] = [];
  readonly files: StoredFile[] = [];
  readonly #settings: Settings;
  readonly #cdn: Cdn;
  /** The folder of files that were uploaded without one. */
  readonly rootId = randomHex();

  constructor(settings: Settings, cdn: Cdn) {
    this.#settings = settings;
    this.#cdn = cdn;
  }

  createFolder({ fields, fieldOrder }: Form): object {
    expectFields(fieldOrder, ['name', 'parentid']);
    const { name = '', parentid } = fields;
    if (name === '') throw malformed('Request parameter [name] required');
    // Guess: the text; the rule is documented.
    if (!/^[\w-]+$/.test(name))
      throw malformed('Request parameter [name] takes letters, digits, - and _ only');
    if (this.#settings.refusesFolders) throw refusalOf(REFUSALS.permission);
    const folder = { id: randomHex(), name, parentId: this.#folderId(parentid) };
    this.folders.push(folder);
    const added = unixSeconds(Date.now());
    const row = {
      id: folder.id,
      name,
      parentid: folder.parentId,
      size: '0',
      contenttype: '',
      addedtime: added,
    };
    return { result: true, errors: [], list: [row] };
  }

  upload({ fields, fieldOrder, files }: Form): object {
    expectFields(fieldOrder, ['file', 'folderid']);
    const [file] = files;
    if (file?.field !== 'file' || files.length > 1) throw malformed('Request parameter [file] required');
    if (fields.folderid && this.#settings.refusesFolders) throw refusalOf(REFUSALS.permission);
    const folderId = this.#folderId(fields.folderid);
    const content = bufferContent(file.bytes, file.contentType || 'application/octet-stream');
    const stored = { ...newOutput(PUBLIC_CDN, file.filename || 'file', content), folderId, deleted: false };
    this.files.push(stored);
    this.#cdn.add(stored);
    const { id, name, contentType } = stored;
    const row = { id, name, contenttype: contentType, parentid: folderId, ...storedFile(stored) };
    return { result: true, errors: [], list: [row] };
  }

  /** Deletes the uploads that the task links to; Wiro's own samples stay. */
  deleteLinked(task: SimTask): void {
    const links = Object.values(task.understood).flat();
    for (const file of this.files) {
      if (file.deleted || !links.includes(file.url)) continue;
      file.deleted = true;
      this.#cdn.delete(file);
    }
  }

  /** Deletes a folder, as on Wiro's web pages. */
  deleteFolder(id: string): void {
    const at = this.folders.findIndex((folder) => folder.id === id);
    if (at >= 0) this.folders.splice(at, 1);
  }

  #folderId(id: string | undefined): string {
    if (!id) return this.rootId;
    if (id === this.rootId || this.folders.some((folder) => folder.id === id)) return id;
    // Guess: the text.
    if (!this.#settings.adoptsFolders) throw notPossible('Folder not found or not accessible');
    this.folders.push({ id, name: 'of-an-earlier-start', parentId: this.rootId });
    return id;
  }
}

function expectFields(given: string[], known: string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) throw malformed(`Request parameter [${unknown}] is unknown`);
}
