// The rules for build and test tools: licences that do not affect the built files. Tools are not shipped; deny.toml has
// the rules for what is.
import type { Package } from './dependencies.ts';

/** As a package states it, choices and all: whoever brings another wording is read first. */
const LICENCES = [
  '(AFL-2.1 OR BSD-3-Clause)',
  '(MIT OR CC0-1.0)',
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 AND LGPL-3.0-or-later',
  'Apache-2.0 AND LGPL-3.0-or-later AND MIT',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'LGPL-3.0-or-later',
  'MIT',
  'MIT OR Apache-2.0',
  'MPL-2.0',
  'Python-2.0',
  'Unlicense',
];

/** All violations. */
export function problems(packages: Package[]): string[] {
  return packages.flatMap(wrongWith);
}

function wrongWith({ name, version, licence, source, digest }: Package): string[] {
  const wrong = [
    ...(licence === '' ? ['has no licence'] : []),
    ...(licence !== '' && !LICENCES.includes(licence) ? [`is under ${licence}`] : []),
    ...(source === undefined ? [] : [`comes from ${source}, not from a registry`]),
    ...(digest === undefined ? ['is not pinned by a digest'] : []),
  ];
  return wrong.map((what) => `${name} ${version} ${what}`);
}
