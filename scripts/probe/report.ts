// The output of a probe, on the terminal and in its file.
import { writeFileSync } from 'node:fs';
import { columns } from '../shared/terminal.ts';
import type { Redactor } from './redact.ts';

export class Report {
  /** Differences from what this project expects, which may be harmless. */
  readonly differences: string[] = [];
  /** Problems: something does not work. */
  readonly problems: string[] = [];
  readonly #exchanges: object[] = [];
  readonly #lines: string[] = [];
  readonly #print: (line: string) => void;
  readonly redactor: Redactor;

  constructor(redactor: Redactor, print: (line: string) => void) {
    this.redactor = redactor;
    this.#print = print;
  }

  /** Secrets are not printed either, because the output is pasted into bug reports. */
  say(line: string): void {
    const shown = this.redactor.text(line);
    this.#lines.push(shown);
    this.#print(shown);
  }

  table(rows: string[][]): void {
    for (const line of columns(rows)) this.say(`  ${line}`.trimEnd());
  }

  differs(difference: string): void {
    this.differences.push(difference);
  }

  fails(problem: string): void {
    this.problems.push(problem);
  }

  record(path: string, sent: unknown, status: number | string, body: string): void {
    const answer = this.redactor.body(path, body);
    this.#exchanges.push({ path: this.redactor.text(path), sent: this.redact(path, sent), status, answer });
  }

  /** Prints the summary, writes the file and returns the exit code. */
  finish(file: string): number {
    this.say('');
    this.#list('Different from what is expected (nothing to do by itself):', this.differences, 'nothing');
    this.#list('Does not work:', this.problems, 'nothing');
    const content = {
      date: new Date().toISOString(),
      differences: this.differences.map((line) => this.redactor.text(line)),
      problems: this.problems.map((line) => this.redactor.text(line)),
      printed: this.#lines,
      exchanges: this.#exchanges,
    };
    // A value that was later recognized as a secret may be in an earlier answer.
    writeFileSync(file, `${this.redactor.text(JSON.stringify(content, null, 2))}\n`, { mode: 0o600 });
    this.#print('');
    this.#print(`All answers, without keys, tokens, ids and addresses: ${file}`);
    return this.problems.length > 0 ? 1 : 0;
  }

  redact(path: string, sent: unknown): unknown {
    return this.redactor.body(path, JSON.stringify(sent));
  }

  #list(title: string, lines: string[], none: string): void {
    this.say(title);
    for (const line of lines.length > 0 ? lines : [none]) this.say(`  - ${line}`);
  }
}
