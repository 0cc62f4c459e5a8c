// `node scripts/sizes/page-weight.ts FOLDER MAX`: fails if a page, with everything that its first visit loads, is larger than
// MAX bytes, gzipped.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from './bundle-table.ts';

const [folder, max] = process.argv.slice(2);
const limit = Number(max);
if (folder === undefined || !(limit > 0)) {
  console.error('Usage: node scripts/sizes/page-weight.ts FOLDER MAX');
  process.exit(2);
}
// Other files are not part of the page.
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.(html|css|js|svg)$/.test(name) && !name.startsWith('ai-sdk'),
);
const files = names.map((name) => ({ name, content: readFileSync(join(folder, name)) }));
const { lines, total, isTooLarge } = measure(files, limit);
for (const line of lines) console.log(line);
if (isTooLarge) {
  console.error(`The page is ${(total - limit).toLocaleString('en-US')} bytes above its limit.`);
  process.exitCode = 1;
}
