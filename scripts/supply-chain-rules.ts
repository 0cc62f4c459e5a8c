// What may be built and tested with: packages under a licence that asks for nothing of what they make. None of them is
// shipped; what is, deny.toml rules.
import type { Package } from './dependencies.ts';

const LICENCES = [
  '0BSD',
  'Apache-2.0',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'LGPL-3.0-or-later',
  'MIT',
  'MPL-2.0',
  'Unlicense',
];

/** Everything that is wrong. */
export function problems(packages: Package[]): string[] {
  return packages.flatMap(wrongWith);
}

function wrongWith({ name, version, licence, source, digest }: Package): string[] {
  const wrong = [
    ...(licence === '' ? ['has no licence'] : []),
    ...(licence !== '' && !allows(licence, LICENCES) ? [`is under ${licence}`] : []),
    ...(source === undefined ? [] : [`comes from ${source}, not from a registry`]),
    ...(digest === undefined ? ['is not pinned by a digest'] : []),
  ];
  return wrong.map((what) => `${name} ${version} ${what}`);
}

/** Whether an SPDX expression can be kept to by these licences alone. */
export function allows(expression: string, allowed: string[]): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  // AND binds closer than OR.
  const anyOf = (): boolean => {
    let kept = allOf();
    while (tokens[at] === 'OR') {
      at += 1;
      kept = allOf() || kept;
    }
    return kept;
  };
  const allOf = (): boolean => {
    let kept = one();
    while (tokens[at] === 'AND') {
      at += 1;
      kept = one() && kept;
    }
    return kept;
  };
  const one = (): boolean => {
    const token = tokens[at++] ?? '';
    if (token !== '(') return allowed.includes(token);
    const kept = anyOf();
    at += 1;
    return kept;
  };
  const kept = anyOf();
  return kept && at === tokens.length;
}
