// A row as Task/Detail and the other endpoints show it.

/** Numbers are text, times unix seconds (or "0"). */
export type Row = Record<string, unknown>;

export function unixSeconds(milliseconds: number): string {
  return String(Math.floor(milliseconds / 1000));
}
