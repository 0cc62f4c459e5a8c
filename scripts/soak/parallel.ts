// Runs a function for many items, a few at a time.

/** The results in the order of the items; at most `width` calls run at once, started in this order. */
export async function inParallel<T, R>(
  things: readonly T[],
  width: number,
  work: (thing: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = things.entries();
  const worker = async () => {
    for (const [index, thing] of left) results[index] = await work(thing);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
