// Counts what the dispatcher does with its storage: rows and statements, and its alarm, which is caught instead of fired.

export interface Sql {
  exec(statement: string, ...values: unknown[]): Cursor;
  readonly databaseSize: number;
}

interface Cursor {
  readonly rowsRead: number;
  readonly rowsWritten: number;
  toArray(): Record<string, unknown>[];
}

export interface Storage {
  readonly sql: Sql;
  setAlarm(at: number): Promise<void>;
  deleteAlarm(): Promise<void>;
  sync(): Promise<void>;
}

export interface Rows {
  statements: number;
  read: number;
  written: number;
}

let isCounting = false;
let executed: [string, Cursor][] = [];

/** What each statement read and wrote, while counting. */
export const statements = new Map<string, Rows>();

export function countRows(isOn: boolean): void {
  isCounting = isOn;
}

/** The rows since the last call. A cursor knows them when its statement has run to its end. */
export function takeRows(): Rows {
  const rows = { statements: executed.length, read: 0, written: 0 };
  for (const [text, { rowsRead, rowsWritten }] of executed) {
    rows.read += rowsRead;
    rows.written += rowsWritten;
    const known = statements.get(text) ?? { statements: 0, read: 0, written: 0 };
    known.statements += 1;
    known.read += rowsRead;
    known.written += rowsWritten;
    statements.set(text, known);
  }
  executed = [];
  return rows;
}

export function watchStatements(sql: Sql): void {
  const prototype = Object.getPrototypeOf(sql) as Sql & { isWatched?: boolean };
  if (prototype.isWatched) return;
  const { exec } = prototype;
  prototype.isWatched = true;
  prototype.exec = function (statement, ...values) {
    const cursor = exec.call(this, statement, ...values);
    if (isCounting) executed.push([statement, cursor]);
    return cursor;
  };
}

/** The dispatcher's own tables. */
export function tableNames(sql: Sql): string[] {
  const tables = sql.exec(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  );
  return tables.toArray().map(({ name }) => String(name));
}

/** In unix milliseconds of the simulated clock; null if none is set. */
export const alarm: { at: number | null; writes: number } = { at: null, writes: 0 };

/** So late that it never fires during a measurement. */
const NEVER = Date.now() + 365 * 86_400_000;

/** The runtime's own alarm is still written, because that costs time, but it never fires. */
export function catchAlarm(storage: Storage): void {
  const prototype = Object.getPrototypeOf(storage) as Storage & { isCaught?: boolean };
  if (prototype.isCaught) return;
  const { setAlarm, deleteAlarm } = prototype;
  prototype.isCaught = true;
  prototype.setAlarm = function (at) {
    alarm.at = at;
    alarm.writes += 1;
    return setAlarm.call(this, NEVER + alarm.writes);
  };
  prototype.deleteAlarm = function () {
    alarm.at = null;
    alarm.writes += 1;
    return deleteAlarm.call(this);
  };
}
