// What is counted of a part of the simulated day.

export interface Gauges {
  submitted: number;
  /** By the budget. */
  unaffordable: number;
  removed: number;
  /** The longest queue, and the most jobs with a slot. */
  queued: number;
  active: number;
  /** Milliseconds from the first question for a slot to the slot. */
  longestWait: number;
  /** Milliseconds from the time at which a video expires to its removal. */
  longestOverdue: number;
  /** Videos that sweeps asked for their state. */
  swept: number;
  /** Sweeps that gave way before they had asked all that were due. */
  sweepsBehind: number;
  /** How often the dispatcher set its alarm. */
  alarmsSet: number;
  /** The alarms of videos that were lost. */
  alarmsLost: number;
}

export function noGauges(): Gauges {
  return {
    submitted: 0,
    unaffordable: 0,
    removed: 0,
    queued: 0,
    active: 0,
    longestWait: 0,
    longestOverdue: 0,
    swept: 0,
    sweepsBehind: 0,
    alarmsSet: 0,
    alarmsLost: 0,
  };
}

/** Gauges of which the highest counts; of the others the sum does. */
const HIGHEST: (keyof Gauges)[] = ['queued', 'active', 'longestWait', 'longestOverdue'];

export function addGauges(sum: Gauges, part: Gauges): void {
  for (const name of Object.keys(sum) as (keyof Gauges)[]) {
    sum[name] = HIGHEST.includes(name) ? Math.max(sum[name], part[name]) : sum[name] + part[name];
  }
}
