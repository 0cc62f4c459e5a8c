// Copies the rows of one video in all tables of the dispatcher, under other ids.
import { type Sql, tableNames } from './instrument.ts';

export function copyRows(sql: Sql, id: string, copies: number): void {
  for (const table of tableNames(sql)) {
    const columns = sql.exec('SELECT name, type, pk FROM pragma_table_info(?)', table).toArray();
    if (!columns.some(({ name }) => name === 'id')) continue;
    // SQLite gives a table its key, if that is one number.
    const keys = columns.filter(({ pk }) => pk !== 0);
    const given = keys.length === 1 ? keys.find(({ type }) => type === 'INTEGER') : undefined;
    const copied = columns.filter((column) => column !== given);
    const names = copied.map(({ name }) => String(name));
    const values = names.map((name) => (name === 'id' ? "printf('vid_%040d', copies.at)" : name));
    sql.exec(
      `WITH RECURSIVE copies (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM copies LIMIT ?2)
      INSERT INTO ${table} (${names}) SELECT ${values} FROM ${table}, copies WHERE id = ?1`,
      id,
      copies,
    );
  }
}
