// Request bodies for submits, byte by byte: forms in any order, and streams without a length.
import { request } from 'node:http';
import type { Service } from '../service.ts';

/** One part of a form; a file when it has a filename. */
export interface Part {
  name: string;
  value: string | Uint8Array;
  filename?: string;
  contentType?: string;
}

export type Body = Uint8Array<ArrayBuffer>;

/** What tells a streamed body from one with a Content-Length. */
export type Framing = 'with its length' | 'streamed';
export const FRAMINGS: Framing[] = ['with its length', 'streamed'];

export const BOUNDARY = 'boundary-5d1c94e7';

export function formBody(parts: Part[], end = `--${BOUNDARY}--\r\n`): Body {
  const pieces = parts.flatMap(({ name, value, filename, contentType }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`;
    const type = contentType === undefined ? '' : `\r\nContent-Type: ${contentType}`;
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}${type}\r\n\r\n`;
    return [Buffer.from(head), Buffer.from(value), Buffer.from('\r\n')];
  });
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

export function submitForm(
  service: Service,
  parts: Part[],
  framing: Framing = 'with its length',
): Promise<Response> {
  return submitBody(service, `multipart/form-data; boundary=${BOUNDARY}`, formBody(parts), framing);
}

export function submitBody(
  service: Service,
  contentType: string | undefined,
  body: Body,
  framing?: Framing,
): Promise<Response> {
  return postBody(service, '/v1/videos', contentType, body, framing);
}

export function postBody(
  service: Service,
  path: string,
  contentType: string | undefined,
  body: Body,
  framing: Framing = 'with its length',
): Promise<Response> {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: contentType === undefined ? {} : { 'content-type': contentType },
    body: framing === 'streamed' ? inChunks(body) : body,
    duplex: 'half',
  };
  return service.fetch(path, init);
}

/** Resolves when so many bytes of the body were written and the connection was closed over them. */
export async function sentInPart(
  { origin }: Service,
  contentType: string,
  body: Body,
  bytes: number,
  path = '/v1/videos',
): Promise<void> {
  const headers = { 'content-type': contentType, 'content-length': body.length };
  const submit = request(new URL(path, origin), { method: 'POST', headers });
  const closed = new Promise((resolve) => submit.on('error', () => {}).once('close', resolve));
  await new Promise((resolve) => submit.write(body.subarray(0, bytes), resolve));
  submit.destroy();
  await closed;
}

/** Of odd sizes, so that chunks end anywhere. */
function inChunks(body: Body): ReadableStream<Body> {
  const CHUNK_BYTES = 50_021;
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= body.length) return controller.close();
      controller.enqueue(body.subarray(at, at + CHUNK_BYTES));
      at += CHUNK_BYTES;
    },
  });
}
