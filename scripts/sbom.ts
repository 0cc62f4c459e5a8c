// `node scripts/sbom.ts FILE`: writes the software bill of materials.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './shared/worker-process.ts';
import { billOfMaterials } from './supply-chain/bill-of-materials.ts';
import { readCrates, readPackages } from './supply-chain/dependencies.ts';

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('Usage: node scripts/sbom.ts FILE');
  process.exit(2);
}
const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const rust = /channel = "(.+)"/.exec(readFileSync(join(root, 'rust-toolchain.toml'), 'utf8'))?.[1] ?? '';
const bom = billOfMaterials({ name, version, licence: license, rust }, readCrates(), readPackages());
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
const shipped = bom.components.filter(({ scope }) => scope === 'required').length;
console.log(`${file}: ${shipped} shipped, ${bom.components.length - shipped} tools`);
