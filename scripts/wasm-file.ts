// The binary format of WebAssembly, as far as it is taken apart here.

export const IMPORTS = 2;
export const EXPORTS = 7;
export const CODE = 10;

/** A cursor over wasm, which counts in LEB128. */
export class Reader {
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

export interface Section {
  id: number;
  content: Uint8Array;
}

export const MAGIC_BYTES = 8;

export function sections(wasm: Uint8Array): Section[] {
  const reader = new Reader(wasm);
  reader.take(MAGIC_BYTES);
  const found: Section[] = [];
  while (reader.at < wasm.length) found.push({ id: reader.byte(), content: reader.take(reader.number()) });
  return found;
}

export interface Import {
  module: string;
  name: string;
  isFunction: boolean;
  /** What it is, as it is written. */
  type: Uint8Array;
}

export function imports(content: Uint8Array): Import[] {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => {
    const [module, name] = [reader.name(), reader.name()];
    const from = reader.at;
    const isFunction = skipType(reader) === 0;
    return { module, name, isFunction, type: content.subarray(from, reader.at) };
  });
}

/** Returns the kind of what is imported. */
function skipType(reader: Reader): number {
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
  return kind;
}

function skipLimits(reader: Reader): void {
  const hasMaximum = reader.byte() % 2 === 1;
  reader.number();
  if (hasMaximum) reader.number();
}

export function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...number(Math.floor(value / 0x80))];
}

export const named = (name: string) =>
  Buffer.concat([Buffer.from(number(Buffer.byteLength(name))), Buffer.from(name)]);

export const section = (id: number, content: Uint8Array) =>
  Buffer.concat([Buffer.from([id, ...number(content.length)]), content]);
