// Takes from a Worker in `wrangler dev`, while it is down, what its objects rely on: each class keeps a database of
// alarms, each object one of its own.
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DirectService } from './direct.ts';

type ObjectClass = 'VideoTask' | 'Dispatcher';

/** No object of this class will be woken any more. */
export function loseAlarms(service: DirectService, of: ObjectClass): void {
  for (const file of databases(service, of)) {
    const database = new DatabaseSync(file);
    const hasTable = database.prepare(`SELECT 1 FROM sqlite_master WHERE name = ?`);
    for (const table of ['_cf_ALARM', '_cf_METADATA']) {
      if (hasTable.get(table)) database.exec(`DELETE FROM ${table}`);
    }
    database.close();
  }
}

/** Everything that the objects of this class have stored is gone. */
export function loseObjects(service: DirectService, of: ObjectClass): void {
  for (const file of databases(service, of)) {
    for (const part of globSync(`${file}*`)) rmSync(part);
  }
}

function databases({ storage }: DirectService, of: ObjectClass): string[] {
  const files = globSync(join(storage, 'v3/do', `*-${of}`, '*.sqlite'));
  if (files.length === 0) throw new Error(`no ${of} has stored anything`);
  return files;
}
