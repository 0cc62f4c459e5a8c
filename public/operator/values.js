// Reads members of responses. Each may be missing or have another type; it is then shown as unknown.

export const UNKNOWN = 'unknown';

/** @param {unknown} value @returns {string | undefined} */
export function text(value) {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** @param {unknown} value @returns {number | undefined} */
export function number(value) {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** An amount in US dollars, as it was sent. @param {unknown} value @returns {string | undefined} */
export function amount(value) {
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? value : undefined;
}

/** The objects of an array; others are dropped. @param {unknown} value @returns {any[]} */
export function objects(value) {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}

/** The entries of an object whose values are numbers, largest first. @param {unknown} value @returns {[string, number][]} */
export function counts(value) {
  const entries = Object.entries(Object(value)).filter(([, count]) => number(count) !== undefined);
  return /** @type {[string, number][]} */ (entries).toSorted(([, one], [, other]) => other - one);
}

/** How many there are, whether a response has their number or a list of them. @param {unknown} value @returns {number} */
export function size(value) {
  return number(value) ?? (Array.isArray(value) ? value.length : 0);
}
