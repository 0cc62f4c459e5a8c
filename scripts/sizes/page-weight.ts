// `node scripts/sizes/page-weight.ts FOLDER MAX PAGE…`: fails if these pages, with everything that they load from the
// folder, are larger than MAX bytes, gzipped.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from './bundle-table.ts';
import { filesOfPage } from './page-files.ts';

const [folder, max, ...pages] = process.argv.slice(2);
const limit = Number(max);
if (folder === undefined || !(limit > 0) || pages.length === 0) {
  console.error('Usage: node scripts/sizes/page-weight.ts FOLDER MAX PAGE…');
  process.exit(2);
}
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const names = [...new Set(pages.flatMap((page) => filesOfPage(page, read)))];
const files = names.map((name) => ({ name, content: readFileSync(join(folder, name)) }));
const { lines, total, isTooLarge } = measure(files, limit);
for (const line of lines) console.log(line);
if (isTooLarge) {
  console.error(`${pages[0]} is ${(total - limit).toLocaleString('en-US')} bytes above its limit.`);
  process.exitCode = 1;
}
