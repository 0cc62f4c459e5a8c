// Edits of the outputs in a task's rows.
import type { TaskFault } from '../../../sim/index.ts';

export type Row = Record<string, unknown>;

/** Edits each output in every row that shows some. */
export function patchOutputs(edit: (output: Row) => Row): TaskFault {
  return { patch: (row) => ({ ...row, outputs: (row.outputs as Row[]).map(edit) }) };
}

/** Nobody tells how large an output is. */
export const withoutSize = patchOutputs(({ size: _, ...output }) => output);
