// `node scripts/sizes/bundle-size.ts FOLDER MAX`: fails if the Worker in a folder is larger than MAX bytes, gzipped.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deployedModules, measure } from './bundle-table.ts';

const [folder, max] = process.argv.slice(2);
const limit = Number(max);
if (folder === undefined || !(limit > 0)) {
  console.error('Usage: node scripts/sizes/bundle-size.ts FOLDER MAX');
  process.exit(2);
}
const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
const files = names.map(({ name }) => ({ name, content: readFileSync(join(folder, name)) }));
const modules = deployedModules(files);
if (!modules.some(({ name }) => name.endsWith('.wasm'))) {
  console.error(`${folder} holds no Worker: there is no script that imports wasm`);
  process.exit(1);
}
const { lines, total, isTooLarge } = measure(modules, limit);
for (const line of lines) console.log(line);
if (isTooLarge) {
  console.error(`The Worker is ${(total - limit).toLocaleString('en-US')} bytes above its limit.`);
  process.exitCode = 1;
}
