// The stored data of the objects of a Worker in `wrangler dev`: each class has a database of alarms, each object its
// own database. They can be read at any time, and removed while the Worker is stopped.
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DirectService } from '../support/direct.ts';

/** Retries, because workerd locks the database at times. */
const PATIENCE = { timeout: 5000 };

type ObjectClass = 'VideoTask' | 'Dispatcher';

/** Removes the alarms of all objects of this class. */
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

/** Deletes everything that the objects of this class have stored. */
export function loseObjects(service: DirectService, of: ObjectClass): void {
  for (const file of databases(service, of)) {
    for (const part of globSync(`${file}*`)) rmSync(part);
  }
}

/** Moves today's spent and reserved money to yesterday. The Worker must be stopped. */
export function letDayPass(service: DirectService): void {
  for (const file of databases(service, 'Dispatcher')) {
    const database = new DatabaseSync(file, PATIENCE);
    const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'spending'").get();
    if (hasTable) database.exec('UPDATE spending SET day = day - 1');
    database.close();
  }
}

/** Makes tombstones of videos, and the alarms that clear them, this many days older. The Worker must be stopped. */
export function ageTombstones(service: DirectService, days: number): void {
  const nanoseconds = BigInt(days * 86_400) * 1_000_000_000n;
  for (const file of databases(service, 'VideoTask')) {
    const database = new DatabaseSync(file, PATIENCE);
    const hasTable = database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?');
    if (hasTable.get('_cf_KV')) {
      const rows = database.prepare("SELECT value FROM _cf_KV WHERE key = 'tombstone'").all();
      for (const { value } of rows) {
        const text = Buffer.from(value as Uint8Array).toString('latin1');
        const aged = text.replace(/(?<="deleted_at":)\d+/, (at) => String(Number(at) - days * 86_400));
        database
          .prepare("UPDATE _cf_KV SET value = ? WHERE key = 'tombstone'")
          .run(Buffer.from(aged, 'latin1'));
        database.prepare('UPDATE _cf_METADATA SET value = value - ?').run(nanoseconds);
      }
    }
    if (hasTable.get('_cf_ALARM')) {
      database.prepare('UPDATE _cf_ALARM SET scheduled_time = scheduled_time - ?').run(nanoseconds);
    }
    database.close();
  }
}

/** The names of the values that all objects of videos have stored. */
export function storedValues(service: DirectService): string[] {
  return databases(service, 'VideoTask').flatMap((file) => {
    const database = new DatabaseSync(file, PATIENCE);
    const hasValues = database.prepare("SELECT 1 FROM sqlite_master WHERE name = '_cf_KV'").get();
    const rows = hasValues ? database.prepare('SELECT key FROM _cf_KV').all() : [];
    database.close();
    return rows.map(({ key }) => String(key));
  });
}

/** How many rows these tables of the dispatcher have. */
export function dispatcherRows(service: DirectService, tables: string[]): Record<string, number> {
  const database = dispatcherDatabase(service);
  const rows = tables.map((table) => {
    const { count } = database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get() as { count: number };
    return [table, count] as const;
  });
  database.close();
  return Object.fromEntries(rows);
}

/**
 * Moves the rows of ended videos to where earlier versions kept them. They were checked at their expiry, and the others but
 * these many already before. The Worker must be stopped.
 */
export function queueEnded(service: DirectService, checked: number): void {
  const database = dispatcherDatabase(service);
  database.exec(`
    INSERT INTO jobs (id, state, look_at) SELECT id, 'gone', expires_at * 1000 FROM ended;
    DELETE FROM ended;
    UPDATE jobs SET look_at = 0 WHERE ticket NOT IN (SELECT ticket FROM jobs ORDER BY ticket LIMIT ${checked});
  `);
  database.close();
}

function dispatcherDatabase(service: DirectService): DatabaseSync {
  const [file] = databases(service, 'Dispatcher').filter((file) => !file.endsWith('metadata.sqlite'));
  return new DatabaseSync(file!, PATIENCE);
}

function databases({ storage }: DirectService, of: ObjectClass): string[] {
  const files = globSync(join(storage, 'v3/do', `*-${of}`, '*.sqlite'));
  if (files.length === 0) throw new Error(`no ${of} has stored anything`);
  return files;
}
