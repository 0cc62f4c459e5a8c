// Makes R2 stall for a Worker in `wrangler dev`: of a value of more than 64 KiB it takes that much and then neither takes
// nor refuses the rest. (The folder of its values is gone; workerd leaves a put open whose value nobody reads to the end.)
import { globSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectService } from '../support/direct.ts';

export interface Stall {
  end(): void;
}

export function startStall({ storage }: DirectService): Stall {
  const [folder] = globSync(join(storage, 'v3', 'r2', '*', 'blobs'));
  if (!folder) throw new Error('nothing was ever stored in R2');
  const away = `${folder}-away`;
  renameSync(folder, away);
  writeFileSync(folder, 'not a folder');
  const end = () => {
    rmSync(folder);
    renameSync(away, folder);
  };
  return { end };
}
