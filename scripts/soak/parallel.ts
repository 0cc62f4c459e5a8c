// Work on many things, a few of them at a time.

/** The results in the order of the things; at most `width` things are under way at once, begun in their order. */
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
