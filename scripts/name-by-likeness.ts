// `node scripts/name-by-likeness.ts FILE`: names the functions of a wasm file by numbers, so that sorted by name those
// that are alike lie together. A compressor looks back over 32 KiB only: what it can repeat must be near.
import { readFileSync, writeFileSync } from 'node:fs';
import { CODE, IMPORTS, imports, named, number, Reader, section, sections } from './wasm-file.ts';

/** Functions are alike by the sequences of so many bytes that they share. */
const SEQUENCE_BYTES = 6;
/** A sequence of more functions than that says nothing. */
const MAX_SHARED = 60;
/** The next function is compared with so many before it. */
const WINDOW = 8;

const [file = ''] = process.argv.slice(2);
const wasm = readFileSync(file);
const parts = sections(wasm);
const contentOf = (wanted: number) => parts.find(({ id }) => id === wanted)?.content ?? Buffer.of(0);

/** The different sequences of each function. */
const sequences = bodies(contentOf(CODE)).map((body) => {
  const text = Buffer.from(body).toString('latin1');
  return new Set(Array.from(text, (_, at) => text.slice(at, at + SEQUENCE_BYTES)));
});

const functionsWith = new Map<string, number[]>();
sequences.forEach((own, index) => {
  for (const sequence of own) {
    const known = functionsWith.get(sequence);
    if (known) known.push(index);
    else functionsWith.set(sequence, [index]);
  }
});

function bodies(content: Uint8Array): Uint8Array[] {
  const reader = new Reader(content);
  return Array.from({ length: reader.number() }, () => reader.take(reader.number()));
}

/** From the largest, each followed by the one that repeats most, for its size, of those just before it. */
function order(): number[] {
  const left = new Set(sequences.keys());
  const size = (index: number) => sequences[index]?.size ?? 0;
  const largest = [...left].sort((a, b) => size(b) - size(a));
  const placed: number[] = [];
  while (left.size > 0) {
    const shared = new Map<number, number>();
    for (const index of placed.slice(-WINDOW)) {
      for (const sequence of sequences[index] ?? []) {
        const others = functionsWith.get(sequence) ?? [];
        if (others.length > MAX_SHARED) continue;
        for (const other of others) if (left.has(other)) shared.set(other, (shared.get(other) ?? 0) + 1);
      }
    }
    const likeness = ([index, count]: [number, number]) => count / (size(index) + 10) ** 0.8;
    const [likest] = [...shared].reduce((best, next) => (likeness(next) > likeness(best) ? next : best), [
      largest.find((index) => left.has(index)) ?? 0,
      0,
    ] as [number, number]);
    placed.push(likest);
    left.delete(likest);
  }
  return placed;
}

/** The custom section that names functions, which are counted after those imported. */
function nameSection(placed: number[]): Buffer {
  const FUNCTION_NAMES = 1;
  const imported = imports(contentOf(IMPORTS)).filter(({ isFunction }) => isFunction).length;
  const rank = new Map(placed.map((index, place) => [index, place]));
  const entries = placed.flatMap((_, index) => [
    Buffer.from(number(imported + index)),
    named(`${rank.get(index)}`.padStart(5, '0')),
  ]);
  const names = Buffer.concat([Buffer.from(number(placed.length)), ...entries]);
  return section(0, Buffer.concat([named('name'), section(FUNCTION_NAMES, names)]));
}

writeFileSync(file, Buffer.concat([wasm, nameSection(order())]));
