// The charge of a run, by the price list of Tool/Detail.

/** US dollars for one video. */
export const DEFAULT_PRICES = [
  priceOfRun('768P', '6', 0.28),
  priceOfRun('768P', '10', 0.56),
  priceOfRun('1080P', '6', 0.49),
];

function priceOfRun(resolution: string, duration: string, price: number) {
  return { inputs: { resolution, duration }, price, priceMethod: 'cpr' };
}

/** The US dollars that a run with these fields costs by a list; 0 where the list does not tell. */
export function charge(prices: unknown, fields: Record<string, string>): number {
  const entries = Array.isArray(prices) ? prices : [];
  const entry = entries.find((entry) => isFor(entry?.inputs, fields));
  const price = Number(entry?.price);
  if (!Number.isFinite(price)) return 0;
  switch (entry.priceMethod) {
    case 'cpr':
    case 'cpo': // one file is made
      return price;
    // Guess: the docs charge `cps` by the second that the model computes; by the second of the video it is told ahead.
    case 'cps':
    case 'cp-outputVideoLength':
      return price * Number(fields.duration);
    default:
      return 0;
  }
}

/** Whether every input of an entry is met. Wiro's keys are not always the ids of parameters: then any value counts. */
function isFor(inputs: unknown, fields: Record<string, string>): boolean {
  return Object.entries(inputs ?? {}).every(([key, value]) => {
    const given = key in fields ? [fields[key]] : Object.values(fields);
    return given.includes(String(value));
  });
}
