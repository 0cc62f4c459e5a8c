// RESULTS.md: one section per part, with its latest run.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/shared/worker-process.ts';
import { load, machine } from '../machine.ts';

/** What a part has to tell. */
export interface Section {
  title: string;
  /** Markdown. */
  text: string;
}

const FILE = join(root, 'bench/RESULTS.md');

const INTRODUCTION = `# Measured

The Worker in Rust beside the same service in JavaScript (\`bench/reference/\`), on the same workerd. Ratios are Rust to
JavaScript, round by round: the median, and in brackets the lowest and the highest. \`NOTES.md\` tells how to read this.
`;

/** Keeps the sections of other parts. */
export function writeSection({ title, text }: Section, order: string[]): void {
  const sections = new Map(existsSync(FILE) ? readSections(readFileSync(FILE, 'utf8')) : []);
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  sections.set(title, `${date} UTC, load ${load()}; ${machine()}.\n\n${text}`);
  const ordered = order.flatMap((title) => {
    const text = sections.get(title);
    return text === undefined ? [] : [`## ${title}\n\n${text.trim()}\n`];
  });
  writeFileSync(FILE, [INTRODUCTION, ...ordered].join('\n'));
}

function readSections(text: string): [string, string][] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)];
    });
}
