// Makes R2 stall for a Worker in `wrangler dev`: of a value larger than 64 KiB it reads 64 KiB and then waits for ever.
// (The folder of its values is removed; workerd leaves such a put open.)
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
