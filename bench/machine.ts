// The machine and software of a measurement. Numbers from different machines cannot be compared.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/shared/worker-process.ts';

export function machine(): string {
  const [processor] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const versions = ['workerd', 'miniflare', 'undici'].map((name) => `${name} ${versionOf(name)}`);
  return [
    `${cpus().length} cores (${processor?.model.trim()}), ${memory} of memory, ${process.platform}`,
    `${versions.join(', ')}, Node ${process.version}, ${rust()}`,
  ].join('; ');
}

/**
 * How many processes wanted a CPU during the last minute. Above the number of cores, other processes were active too.
 */
export function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

function rust(): string {
  return (
    spawnSync('rustc', ['--version'], { cwd: root, encoding: 'utf8' }).stdout?.split(' (')[0]?.trim() ?? ''
  );
}
