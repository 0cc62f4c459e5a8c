// A file on the simulated CDN.

import { type Content, digest } from './media/media.ts';
import { randomFolder, randomHex, randomToken } from './random.ts';

export interface Output {
  id: string;
  name: string;
  /** The random folder in its URL. */
  folder: string;
  /** The id of the folder, as rows show it. */
  parentId: string;
  accessKey: string;
  url: string;
  /** Unix milliseconds. */
  addedAt: number;
  contentType: string;
  size: number;
  content: Content;
  /** The SHA-256 of the whole file, in hex. */
  sha256(): Promise<string>;
}

/** @param origin of the CDN, as in `http://127.0.0.1:9090` */
export function newOutput(origin: string, name: string, content: Content): Output {
  const folder = randomFolder();
  return {
    id: randomHex(),
    name,
    folder,
    parentId: randomHex(),
    accessKey: randomToken(),
    url: `${origin}/cdn/${folder}/${encodeURIComponent(name)}`,
    addedAt: Date.now(),
    contentType: content.contentType,
    size: content.size,
    content,
    sha256: () => digest(content),
  };
}
