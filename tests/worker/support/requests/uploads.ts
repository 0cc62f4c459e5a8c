// Files as a client uploads them and as the stand-in receives them.
import type { Call, StoredFile } from '../../../../sim/index.ts';
import type { Service } from '../service.ts';
import { BOUNDARY, type Framing, formBody, type Part, postBody } from './bodies.ts';

export const UPLOAD = '/File/Upload';
export const FOLDER_CREATE = '/File/FolderCreate';
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The public shape, written down from the contract. */
export interface UploadedFile {
  id: string;
  object: 'file';
  filename: string;
  bytes: number;
  content_type: string;
  url: string;
}

export function filePart(value: string | Uint8Array, filename = 'frame.png'): Part {
  return { name: 'file', value, filename, contentType: 'image/png' };
}

export function upload(service: Service, parts: Part[], framing?: Framing): Promise<Response> {
  return postBody(service, '/v1/files', FORM_TYPE, formBody(parts), framing);
}

/** Uploads and expects the file to be taken. */
export async function uploaded(service: Service, part: Part, framing?: Framing): Promise<UploadedFile> {
  const response = await upload(service, [part], framing);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as UploadedFile;
}

/** The file of that address at the stand-in. */
export function fileAt({ sim }: Service, url: string): StoredFile {
  const file = sim.files.find((file) => file.url === url);
  if (!file) throw new Error(`nothing was uploaded to ${url}`);
  return file;
}

/** What the stand-in's CDN serves there. */
export async function bytesAt({ sim }: Service, url: string): Promise<Buffer> {
  const response = await fetch(sim.url + new URL(url).pathname);
  return Buffer.from(await response.arrayBuffer());
}

export function uploadCalls({ sim }: Service): Call[] {
  return sim.callsTo(UPLOAD);
}

export function folderCalls({ sim }: Service): Call[] {
  return sim.callsTo(FOLDER_CREATE);
}
