// `node scripts/trim-bindings.ts FOLDER`: makes what wasm-bindgen wrote smaller, before wasm-opt sees it. Its names of
// imports and exports are long and hold hashes, once in the wasm and once in the JavaScript: they become short ones.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  EXPORTS,
  IMPORTS,
  imports,
  MAGIC_BYTES,
  named,
  number,
  Reader,
  section,
  sections,
} from './wasm-file.ts';

const [folder = 'build'] = process.argv.slice(2);
const WASM = join(folder, 'index_bg.wasm');
const GLUE = join(folder, 'index.js');

/** Names that wasm-bindgen made up; ours, and those that other JavaScript knows, are kept. */
const MADE_UP = /^(__wbg_|__wbindgen_|wasm_bindgen_|videotask_|dispatcher_)\w{4,}$/;

let glue = readFileSync(GLUE, 'utf8');
const short = new Map<string, string>();

/** The same name for the same name. */
function shortened(name: string): string {
  if (!MADE_UP.test(name)) return name;
  const known = short.get(name) ?? `_${short.size.toString(36)}`;
  short.set(name, known);
  return known;
}

function trimmedImports(content: Uint8Array): Buffer {
  const entries = imports(content).map(({ module, name, type }) =>
    Buffer.concat([named(module), named(shortened(name)), type]),
  );
  return Buffer.concat([Buffer.from(number(entries.length)), ...entries]);
}

function trimmedExports(content: Uint8Array): Buffer {
  const reader = new Reader(content);
  const entries = Array.from({ length: reader.number() }, () => {
    const name = named(shortened(reader.name()));
    const from = reader.at;
    reader.byte();
    reader.number();
    return Buffer.concat([name, content.subarray(from, reader.at)]);
  });
  return Buffer.concat([Buffer.from(number(entries.length)), ...entries]);
}

const wasm = readFileSync(WASM);
const written = sections(wasm).map(({ id, content }) => {
  if (id === IMPORTS) return section(id, trimmedImports(content));
  return section(id, id === EXPORTS ? trimmedExports(content) : content);
});
writeFileSync(WASM, Buffer.concat([wasm.subarray(0, MAGIC_BYTES), ...written]));
glue = glue.replace(/[A-Za-z_$][\w$]*/g, (word) => short.get(word) ?? word);
// It lists a module of ours once for each run of imports: once is enough.
const listed = new Set<string>();
glue = glue.replace(/^ +("\.\/snippets\/.+"): import\d+,\n/gm, (line, module) => {
  if (listed.has(module)) return '';
  listed.add(module);
  return line;
});
writeFileSync(GLUE, glue);
console.log(`${short.size} names are short now`);
