// Checks key and signature with a free call, and whether rows of Task/List have what the search for lost jobs needs.
import { type Calls, refusalOf } from './calls.ts';
import { askCrate, type Result } from './crate.ts';
import type { Report } from './report.ts';
import type { ProbeSettings } from './settings.ts';

/** The fields by which a lost job is found. */
const SEARCHED_BY = ['callbackurl', 'parameters', 'modelslugowner', 'modelslugproject', 'createtime'];

/** Whether the account is accepted. */
export async function probeAccess(calls: Calls, settings: ProbeSettings, report: Report): Promise<boolean> {
  const { list } = await askCrate<{ list: string }>({ do: 'bodies' });
  const http = await calls.json('/Task/List', list);
  const way = settings.secret ? 'key and signature' : 'the key alone (no WIRO_API_SECRET)';
  const refusal = await refusalOf(http, settings);
  if (refusal) {
    report.say(`Access by ${way}: refused`);
    report.fails(refusal);
    return false;
  }
  report.say(`Access by ${way}: accepted`);
  const rows = await askCrate<Result<[number, number]>>({ do: 'read_list', http });
  if ('Err' in rows) report.differs(`the answer to Task/List has an unknown shape: ${rows.Err}`);
  else if (rows.Ok[1] === 0) report.say('Task/List: no task yet, so its rows could not be looked at');
  else checkRow(JSON.parse(http.body).tasklist[0], rows.Ok[0] === 1, report);
  return true;
}

function checkRow(row: Record<string, unknown> | null, isRead: boolean, report: Report): void {
  if (!isRead) report.differs('a row of Task/List names no task');
  // A task without a callback has an empty text, so the field exists.
  const missing = SEARCHED_BY.filter((name) => row?.[name] === undefined || row[name] === null);
  report.say(
    `Task/List: rows tell ${SEARCHED_BY.filter((name) => !missing.includes(name)).join(', ') || 'nothing'}`,
  );
  if (missing.length > 0) {
    report.differs(`rows of Task/List lack ${missing.join(', ')}, which the search for lost jobs uses`);
  }
}
