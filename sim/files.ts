// File/FolderCreate and File/Upload.
import { storedFile, unixSeconds } from './detail.ts';
import { ApiError, malformed } from './exchange.ts';
import type { Form } from './form.ts';
import { bufferContent } from './media.ts';
import { newOutput } from './output.ts';
import { randomHex } from './random.ts';
import type { Wiro } from './wiro.ts';

export interface Folder {
  id: string;
  name: string;
  parentId: string;
}

export class FileStore {
  readonly folders: Folder[] = [];
  readonly #wiro: Wiro;
  readonly #rootId = randomHex();

  constructor(wiro: Wiro) {
    this.#wiro = wiro;
  }

  createFolder({ fields }: Form): object {
    const { name = '', parentid } = fields;
    if (name === '') throw malformed('Request parameter [name] required');
    if (!/^[\w-]+$/.test(name))
      throw malformed('Request parameter [name] takes letters, digits, - and _ only');
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

  upload({ fields, file }: Form): object {
    if (file?.field !== 'file') throw malformed('Request parameter [file] required');
    const parentId = this.#folderId(fields.folderid);
    const content = bufferContent(file.bytes, file.contentType || 'application/octet-stream');
    const stored = newOutput(this.#wiro.origin, file.filename || 'file', content);
    this.#wiro.cdn.add(stored);
    const { id, name, contentType } = stored;
    const row = { id, name, contenttype: contentType, parentid: parentId, ...storedFile(stored) };
    return { result: true, errors: [], list: [row] };
  }

  #folderId(id: string | undefined): string {
    if (!id) return this.#rootId;
    if (id !== this.#rootId && !this.folders.some((folder) => folder.id === id)) {
      throw new ApiError('Folder not found or not accessible');
    }
    return id;
  }
}
