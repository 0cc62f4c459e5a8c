// The fault table: all rows, by the call in which the fault happens.
import type {
  AnswerFault,
  AnswerQueue,
  CallbackFault,
  CdnFault,
  Faults,
  TaskFault,
} from '../../../../sim/index.ts';
import { callbackRows } from './callback-rows.ts';
import { cdnRows } from './cdn-rows.ts';
import { detailRows } from './detail-rows.ts';
import { listRows } from './list-rows.ts';
import type { Outcome } from './outcome.ts';
import type { Calls, Row } from './row.ts';
import { runRows } from './run-rows.ts';
import { taskRows } from './task-rows.ts';

export interface Case {
  name: string;
  /** No prompt contains another. */
  prompt: string;
  /** What this prompt meets. */
  faults: Faults;
  /** What every prompt meets meanwhile: Task/List is about no single task. */
  accountFaults: Faults;
  expected: Outcome;
}

/** What is nothing that goes wrong, and what the Worker does not ask for here. */
type Untouched = 'holdAt' | 'output' | 'socket' | Exclude<AnswerQueue, 'run' | 'list' | 'detail'>;

export type Place = Exclude<keyof Faults, Untouched>;

const LOST: AnswerFault = { kind: 'lost', how: 'status' };

export const table: Record<Place, Case[]> = {
  run: cases('Run', runRows, (run: Calls<AnswerFault>) => ({ run: [run].flat() })),
  list: cases(
    'List',
    listRows,
    () => ({ run: [LOST], callback: { lost: true } }),
    (list: Calls<AnswerFault>) => ({ list: [list].flat() }),
  ),
  detail: cases('Detail', detailRows, (detail: Calls<AnswerFault>) => ({
    detail: [detail].flat(),
    callback: { lost: true },
  })),
  task: cases('Task', taskRows, (task: TaskFault) => ({ task })),
  callback: cases('Callback', callbackRows, (callback: CallbackFault) => ({ callback })),
  cdn: cases('CDN', cdnRows, (cdn: Calls<CdnFault>) => ({ cdn: [cdn].flat() })),
};

function cases<Fault>(
  place: string,
  rows: Record<string, Row<Fault>[]>,
  faultsOf: (fault: Fault) => Faults,
  accountFaultsOf: (fault: Fault) => Faults = () => ({}),
): Case[] {
  return Object.values(rows)
    .flat()
    .map(([fault, scripted, expected]) => ({
      name: `${place}: ${fault}`,
      prompt: `what comes of ${place}: ${fault}.`,
      faults: faultsOf(scripted),
      accountFaults: accountFaultsOf(scripted),
      expected,
    }));
}
