// Writing to a terminal: sizes, progress bars, aligned columns, and a line that changes in place.

const BAR_CELLS = 16;

/** `50,851 bytes` */
export function bytes(count: number): string {
  return `${count.toLocaleString('en-US')} bytes`;
}

/** `1.5 s` */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

export function bar(percent: number): string {
  const full = Math.round((percent / 100) * BAR_CELLS);
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

/** Aligns the columns of rows of text. */
export function columns(rows: string[][], alignRight: number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) => {
    const cells = row.map((cell, index) => {
      const width = widths[index] ?? 0;
      return alignRight.includes(index) ? cell.padStart(width) : cell.padEnd(width);
    });
    return cells.join('   ').trimEnd();
  });
}

/** A line that is overwritten on a terminal. Elsewhere each new `step` is a line. */
export class LiveLine {
  readonly #out: NodeJS.WriteStream;
  #step: string | undefined;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  show(step: string, line: string): void {
    if (this.#out.isTTY) this.#out.write(`\r\x1b[2K${line.slice(0, this.#out.columns - 1)}`);
    else if (step !== this.#step) this.#out.write(`${line}\n`);
    this.#step = step;
  }

  /** Removes the line, if possible. */
  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[2K');
    this.#step = undefined;
  }

  /** The next output starts on a new line. */
  end(): void {
    if (this.#out.isTTY && this.#step !== undefined) this.#out.write('\n');
    this.#step = undefined;
  }
}
