// Reading a request body: multipart/form-data and application/json into fields, with their order kept.
import type { IncomingMessage } from 'node:http';
import { malformed } from './exchange.ts';

const MIB = 1024 * 1024;
const MAX_FILE_BYTES = 100 * MIB; // Wiro's limit for one file
const MAX_BODY_BYTES = MAX_FILE_BYTES + MIB;

export interface FilePart {
  field: string;
  filename: string;
  contentType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface Form {
  kind: 'multipart' | 'json';
  fields: Record<string, string>;
  fieldOrder: string[];
  /** The parts with a filename and at least one byte. */
  files: FilePart[];
  json?: Record<string, unknown>;
}

export async function readBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk); // beyond, it is only read to be answered
  }
  if (size > MAX_BODY_BYTES) throw malformed('The body is larger than 100 MB', 413);
  return Buffer.concat(chunks);
}

/** @throws ApiError for a body that is not what its content type says. */
export async function parseForm(contentType: string, body: Buffer<ArrayBuffer>): Promise<Form> {
  if (/^multipart\/form-data\b/i.test(contentType)) return parseMultipart(contentType, body);
  if (/^application\/json\b/i.test(contentType)) return parseJson(body);
  throw malformed(`Content-Type [${contentType}] is neither multipart/form-data nor application/json`);
}

async function parseMultipart(contentType: string, body: Buffer<ArrayBuffer>): Promise<Form> {
  const data = await new Response(body, { headers: { 'content-type': contentType } }).formData().catch(() => {
    throw malformed('The multipart body is malformed');
  });
  const fields = new Map<string, string>();
  const form: Form = { kind: 'multipart', fields: {}, fieldOrder: [], files: [] };
  for (const [field, value] of data) {
    if (form.fieldOrder.includes(field)) throw malformed(`Request parameter [${field}] was sent twice`);
    form.fieldOrder.push(field);
    if (typeof value === 'string') fields.set(field, value);
    else if (value.size === 0) fields.set(field, '');
    else if (value.size > MAX_FILE_BYTES)
      throw malformed(`Request parameter [${field}] is larger than 100 MB`);
    else
      form.files.push({ field, filename: value.name, contentType: value.type, bytes: await value.bytes() });
  }
  form.fields = Object.fromEntries(fields);
  return form;
}

function parseJson(body: Buffer): Form {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw malformed('The body is not JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw malformed('The body is not an object');
  const fields = Object.entries(json).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value),
  ]);
  return {
    kind: 'json',
    fields: Object.fromEntries(fields),
    fieldOrder: Object.keys(json),
    files: [],
    json: { ...json },
  };
}
