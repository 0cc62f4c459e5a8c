// `node scripts/trim-bindings.ts FOLDER`: makes what wasm-bindgen wrote smaller, before wasm-opt sees it. Its names of
// imports and exports are long and hold hashes, once in the wasm and once in the JavaScript: they become short ones. And
// classes of libraries, which nobody makes here, are no exports: what only they need goes with them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder = 'build'] = process.argv.slice(2);
const WASM = join(folder, 'index_bg.wasm');
const GLUE = join(folder, 'index.js');

/** Names that wasm-bindgen made up; ours, and those that other JavaScript knows, are kept. */
const MADE_UP = /^(__wbg_|__wbindgen_|wasm_bindgen_|videotask_|dispatcher_)\w{4,}$/;
const FOREIGN_CLASS =
  /^(__wbg_(get|set)_)?(__wbg_)?(containerstartupoptions|minifyconfig|r2range|intounderlying(byte)?(sink|source))_/;

const IMPORTS = 2;
const EXPORTS = 7;

let glue = readFileSync(GLUE, 'utf8');
const short = new Map<string, string>();

/** The same name for the same name. */
function shortened(name: string): string {
  if (!MADE_UP.test(name)) return name;
  const known = short.get(name) ?? `_${short.size.toString(36)}`;
  short.set(name, known);
  return known;
}

/** A cursor over wasm, which counts in LEB128. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error('the wasm ends too early');
    return byte;
  }
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  name(): string {
    return Buffer.from(this.take(this.number())).toString();
  }
}

function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...number(Math.floor(value / 0x80))];
}

const named = (name: string) =>
  Buffer.concat([Buffer.from(number(Buffer.byteLength(name))), Buffer.from(name)]);

/** What an import is, which is copied as it is. */
function skipType(reader: Reader): void {
  const kind = reader.byte();
  if (kind === 0) reader.number();
  else if (kind === 1) {
    reader.byte();
    skipLimits(reader);
  } else if (kind === 2) skipLimits(reader);
  else if (kind === 3) reader.take(2);
  else if (kind === 4) {
    reader.byte();
    reader.number();
  } else throw new Error(`an import of an unknown kind ${kind}`);
}

function skipLimits(reader: Reader): void {
  const hasMaximum = reader.byte() % 2 === 1;
  reader.number();
  if (hasMaximum) reader.number();
}

function imports(section: Uint8Array): Buffer {
  const reader = new Reader(section);
  const count = reader.number();
  const entries = Array.from({ length: count }, () => {
    const [module, name] = [reader.name(), reader.name()];
    const from = reader.at;
    skipType(reader);
    return Buffer.concat([named(module), named(shortened(name)), section.subarray(from, reader.at)]);
  });
  return Buffer.concat([Buffer.from(number(count)), ...entries]);
}

function exports(section: Uint8Array): Buffer {
  const reader = new Reader(section);
  const entries = Array.from({ length: reader.number() }, () => {
    const name = reader.name();
    const from = reader.at;
    reader.byte();
    reader.number();
    return { name, rest: section.subarray(from, reader.at) };
  });
  const kept = entries.filter(({ name }) => !FOREIGN_CLASS.test(name));
  return Buffer.concat([
    Buffer.from(number(kept.length)),
    ...kept.flatMap(({ name, rest }) => [named(shortened(name)), rest]),
  ]);
}

const wasm = new Reader(readFileSync(WASM));
const parts: Uint8Array[] = [wasm.take(8)];
while (wasm.at < wasm.bytes.length) {
  const id = wasm.byte();
  const section = wasm.take(wasm.number());
  const written = id === IMPORTS ? imports(section) : id === EXPORTS ? exports(section) : section;
  parts.push(Buffer.from([id, ...number(written.length)]), written);
}
writeFileSync(WASM, Buffer.concat(parts));
glue = glue.replace(/[A-Za-z_$][\w$]*/g, (word) => short.get(word) ?? word);
writeFileSync(GLUE, glue);
console.log(`${short.size} names are short now`);
