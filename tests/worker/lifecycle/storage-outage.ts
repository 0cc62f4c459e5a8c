// Makes KV or R2 fail for a Worker in `wrangler dev`, which keeps an SQLite database for each: while their tables are
// renamed, each read and write fails.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DirectService } from '../support/direct.ts';

export interface Outage {
  /** Again and again if need be. */
  end(): void;
}

const AWAY = 'away_';
/** The Worker may be writing just now. */
const PATIENCE = { timeout: 5000 };

/** From now on whatever the Worker asks of this storage fails; what is in it stays as it is. */
export function startOutage({ storage }: DirectService, failing: 'kv' | 'r2'): Outage {
  const databases = globSync(join(storage, 'v3', failing, '*', '*.sqlite'));
  const renamed = databases.map((file) => renameTables(file, '_mf_', (name) => AWAY + name));
  if (!renamed.some(Boolean)) throw new Error(`there is nothing in ${failing} that could fail`);
  const end = () => {
    for (const file of databases) renameTables(file, AWAY, (name) => name.slice(AWAY.length));
  };
  return { end };
}

/** Those whose names begin so; returns whether there were any. */
function renameTables(file: string, prefix: string, rename: (name: string) => string): boolean {
  const database = new DatabaseSync(file, PATIENCE);
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map(({ name }) => String(name))
      .filter((name) => name.startsWith(prefix));
    for (const name of tables) database.exec(`ALTER TABLE "${name}" RENAME TO "${rename(name)}"`);
    return tables.length > 0;
  } finally {
    database.close();
  }
}
