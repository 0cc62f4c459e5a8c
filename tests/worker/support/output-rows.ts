// Edits of the outputs in a task's rows.
import type { TaskFault } from '../../../sim/index.ts';

export type Row = Record<string, unknown>;

/** Edits each output in every row that has outputs. */
export function patchOutputs(edit: (output: Row) => Row): TaskFault {
  return { patch: (row) => ({ ...row, outputs: (row.outputs as Row[]).map(edit) }) };
}

/** Removes the sizes of outputs. */
export const withoutSize = patchOutputs(({ size: _, ...output }) => output);
