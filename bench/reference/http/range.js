// Conditional and range requests (RFC 9110) for one stored representation.

/** What the request's conditions select: 'whole', 'unchanged', 'unsatisfiable', or the first and the last byte. */
export function select(headers, isGet, { size, etag, modifiedAt }) {
  if (isUnchanged(headers, etag, modifiedAt)) return 'unchanged';
  const range = isGet ? headers.get('range') : null;
  if (range === null || !rangeStillApplies(headers.get('if-range'), etag, modifiedAt)) return 'whole';
  return selectRange(range, size);
}

function isUnchanged(headers, etag, modifiedAt) {
  const tags = headers.get('if-none-match');
  if (tags !== null) return matchesAny(tags, etag);
  const since = headers.get('if-modified-since');
  return since !== null && modifiedAt <= Date.parse(since) / 1000;
}

function rangeStillApplies(condition, etag, modifiedAt) {
  const validator = condition?.trim();
  if (validator === undefined) return true;
  if (validator.startsWith('"') || validator.startsWith('W/')) return validator === etag;
  return Date.parse(validator) / 1000 === modifiedAt;
}

/** Compared weakly. */
export function matchesAny(tags, etag) {
  const opaque = (tag) => tag.trim().replace(/^W\//, '');
  const wanted = opaque(etag);
  return tags.split(',').some((tag) => opaque(tag) === '*' || opaque(tag) === wanted);
}

/** Malformed ranges, other units and lists of ranges are ignored. */
function selectRange(range, size) {
  const [, first, last] = range.match(/^\s*bytes=\s*(\d*)-(\d*)\s*$/) ?? [];
  if (first === undefined || first + last === '') return 'whole';
  if (first === '') {
    const suffix = Number(last);
    return suffix === 0 || size === 0 ? 'unsatisfiable' : [Math.max(0, size - suffix), size - 1];
  }
  const [from, to] = [Number(first), last === '' ? size - 1 : Number(last)];
  if (last !== '' && to < from) return 'whole';
  return from >= size ? 'unsatisfiable' : [from, Math.min(to, size - 1)];
}
