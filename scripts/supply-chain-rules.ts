// What may be depended on: by licence, by source, and how often.
import type { Crates, Dependency } from './dependencies.ts';

/** Of what is shipped: such as ask for no more than to be named. */
const SHIPPED = ['MIT', 'Apache-2.0', 'BSD-3-Clause', 'BSL-1.0', 'Unicode-3.0', 'Unlicense', 'Zlib'];

/** Tools stay here, so their licences may ask for more; but there must be one. */
const TOOLS = [...SHIPPED, '0BSD', 'BSD-2-Clause', 'CC0-1.0', 'ISC', 'LGPL-3.0-or-later', 'MPL-2.0'];

/** Shipped in two versions, and nothing to be done about it here. */
const TWICE: string[] = [];

/** Everything that is wrong. */
export function problems({ shipped, tools }: Crates, packages: Dependency[]): string[] {
  return [
    ...shipped.flatMap((crate) => wrongWith(crate, SHIPPED)),
    ...[...tools, ...packages].flatMap((tool) => wrongWith(tool, TOOLS)),
    ...versions(shipped),
  ];
}

function wrongWith({ name, version, licence, source, digest }: Dependency, allowed: string[]): string[] {
  const wrong = [
    ...(licence === '' ? ['has no licence'] : []),
    ...(licence !== '' && !allows(licence, allowed) ? [`is under ${licence}`] : []),
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

function versions(shipped: Dependency[]): string[] {
  return [...Map.groupBy(shipped, ({ name }) => name)]
    .filter(([name, all]) => all.length > 1 && !TWICE.includes(name))
    .map(([name, all]) => `${name} is shipped as ${all.map(({ version }) => version).join(' and ')}`);
}
