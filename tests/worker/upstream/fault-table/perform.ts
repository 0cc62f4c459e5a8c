// Runs the rows of the table, as many as possible concurrently.
import type { Service } from '../../support/service.ts';
import { Experiment } from './experiment.ts';
import type { Outcome } from './outcome.ts';
import { type Case, table } from './table.ts';

const LIST = '/Task/List';

/** Resolves when every job has ended, so that a Run that is repeated late is counted too. */
export async function performAll(service: Service): Promise<Map<Case, Outcome>> {
  const experiments = Object.values(table)
    .flat()
    .map((row) => new Experiment(service, row));
  const { inTurn = [], atOnce = [] } = Object.groupBy(experiments, ({ row }) =>
    concernsAll(row) ? 'inTurn' : 'atOnce',
  );
  await performInTurn(service, inTurn);
  // Runs with unknown outcomes open the circuit breaker, so they are last; otherwise the other jobs would be queued.
  const { last = [], first = [] } = Object.groupBy(atOnce, ({ row }) =>
    opensBreaker(row) ? 'last' : 'first',
  );
  await service.ended((await service.accepted({ prompt: 'Wiro answers again' })).id);
  await Promise.all(first.map((experiment) => experiment.begin()));
  await Promise.all(last.map((experiment) => experiment.begin()));

  const outcomes = new Map<Case, Outcome>();
  for (const experiment of experiments) await experiment.finish();
  for (const experiment of experiments) outcomes.set(experiment.row, await experiment.outcome());
  return outcomes;
}

/** Whether the outcome of its Run may stay unknown. */
function opensBreaker({ faults: { run = [] }, expected }: Case): boolean {
  return run.length > 0 && expected.submit === '202';
}

/** Whether it affects other jobs: a fault of Task/List hits the next caller, and code 96 stops every job of the account. */
function concernsAll({ faults: { run = [] }, accountFaults: { list } }: Case): boolean {
  return list !== undefined || run.some((fault) => fault.kind === 'error' && fault.code === 96);
}

async function performInTurn({ sim }: Service, experiments: Experiment[]): Promise<void> {
  // Rows with a timeout of half a minute are last, and wait while the others run.
  const silentLast = experiments.toSorted((one, other) => Number(isSilent(one)) - Number(isSilent(other)));
  for (const experiment of silentLast) {
    const asked = sim.waitForCall(LIST, sim.callsTo(LIST).length + 1);
    await experiment.begin();
    await (isSilent(experiment) ? asked : experiment.finish());
  }
}

function isSilent({ row }: Experiment): boolean {
  const faults = row.accountFaults.list ?? [];
  return faults.some((fault) => fault.kind === 'hang' || (fault.kind === 'lost' && fault.how === 'hang'));
}
