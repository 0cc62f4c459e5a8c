// `generate.mjs DOCUMENT OUTPUT`: the types of an OpenAPI document by openapi-typescript, with files as Blob, as its
// documentation says.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';

const [, , document = '', output = ''] = process.argv;
const BLOB = ts.factory.createTypeReferenceNode(ts.factory.createIdentifier('Blob'));
const types = await openapiTS(JSON.parse(await readFile(document, 'utf8')), {
  transform: (schema) => (schema.format === 'binary' ? BLOB : undefined),
});
await writeFile(output, astToString(types));
