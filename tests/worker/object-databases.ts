// What the objects of a Worker in `wrangler dev` have stored: each class keeps a database of alarms, each object one of
// its own. It can be looked at any time, and taken away while the Worker is down.
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DirectService } from './direct.ts';

/** workerd holds a lock now and then. */
const PATIENCE = { timeout: 5000 };

type ObjectClass = 'VideoTask' | 'Dispatcher';

/** No object of this class will be woken any more. */
export function loseAlarms(service: DirectService, of: ObjectClass): void {
  for (const file of databases(service, of)) {
    const database = new DatabaseSync(file, PATIENCE);
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

/** What was spent and reserved today was so yesterday. The Worker must be down. */
export function letDayPass(service: DirectService): void {
  for (const file of databases(service, 'Dispatcher')) {
    const database = new DatabaseSync(file, PATIENCE);
    const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'spending'").get();
    if (hasTable) database.exec('UPDATE spending SET day = day - 1');
    database.close();
  }
}

/** How many values all objects of this class have stored. */
export function countValues(service: DirectService, of: ObjectClass): number {
  const counts = databases(service, of).map((file) => {
    const database = new DatabaseSync(file, PATIENCE);
    const hasValues = database.prepare("SELECT 1 FROM sqlite_master WHERE name = '_cf_KV'").get();
    const values = hasValues ? database.prepare('SELECT COUNT(*) AS count FROM _cf_KV').get() : undefined;
    database.close();
    return Number(values?.count ?? 0);
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

function databases({ storage }: DirectService, of: ObjectClass): string[] {
  const files = globSync(join(storage, 'v3/do', `*-${of}`, '*.sqlite'));
  if (files.length === 0) throw new Error(`no ${of} has stored anything`);
  return files;
}
