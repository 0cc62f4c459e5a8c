// Which dependencies are allowed, and that the bill of materials lists them.
import { expect, test } from 'vitest';
import { billOfMaterials } from '../../scripts/supply-chain/bill-of-materials.ts';
import {
  crates,
  type Metadata,
  type Package,
  packages,
  readCrates,
  readPackages,
} from '../../scripts/supply-chain/dependencies.ts';
import { problems } from '../../scripts/supply-chain/supply-chain-rules.ts';

const DIGEST = 'a'.repeat(64);
const pinned = (given: Partial<Package> = {}): Package => ({
  ...{ name: 'a', version: '1.0.0', licence: 'MIT', source: undefined, digest: DIGEST },
  ...given,
});

test('forbidden packages are reported', () => {
  const packages = [
    pinned(),
    pinned({ name: 'b', licence: 'GPL-3.0-only' }),
    pinned({ name: 'c', source: 'git+ssh:' }),
    pinned({ name: 'd', digest: undefined }),
    pinned({ name: 'e', licence: '' }),
    pinned({ name: 'f', licence: 'MIT OR Apache-2.0' }),
    pinned({ name: 'g', licence: 'MIT AND GPL-3.0-only' }),
  ];
  expect(problems(packages)).toEqual([
    'b 1.0.0 is under GPL-3.0-only',
    'c 1.0.0 comes from git+ssh:, not from a registry',
    'd 1.0.0 is not pinned by a digest',
    'e 1.0.0 has no licence',
    'g 1.0.0 is under MIT AND GPL-3.0-only',
  ]);
});

test('macros and test dependencies are not shipped', () => {
  const kinds = { lib: ['lib'], macro: ['proc-macro'] };
  const named = (id: string, kind: keyof typeof kinds): Metadata['packages'][number] => ({
    ...{ id, name: id, version: '1.0.0', license: 'MIT/Apache-2.0' },
    targets: [{ kind: kinds[kind] }],
  });
  const needs = (id: string, ...deps: [string, string | null][]) => ({
    id,
    deps: deps.map(([pkg, kind]) => ({ pkg, dep_kinds: [{ kind }] })),
  });
  const metadata: Metadata = {
    packages: [
      named('us', 'lib'),
      named('used', 'lib'),
      named('derive', 'macro'),
      named('parser', 'lib'),
      named('tests', 'lib'),
    ],
    resolve: {
      root: 'us',
      nodes: [
        needs('us', ['used', null], ['tests', 'dev']),
        needs('used', ['derive', null]),
        needs('derive', ['parser', null]),
      ],
    },
  };
  const lockfile = `name = "used"\nversion = "1.0.0"\nsource = "registry+x"\nchecksum = "${DIGEST}"\n`;
  const { shipped, tools } = crates(metadata, lockfile);
  expect(shipped).toEqual([{ name: 'used', version: '1.0.0', licence: 'MIT OR Apache-2.0', digest: DIGEST }]);
  expect(tools.map(({ name }) => name)).toEqual(['derive', 'parser', 'tests']);
});

test('a nested package has its own name', () => {
  const lock = {
    '': {},
    'node_modules/a/node_modules/@b/c': { version: '1.2.3', license: 'ISC', integrity: 'sha512-YQ==' },
  };
  expect(packages({ packages: lock })).toEqual([
    { name: '@b/c', version: '1.2.3', licence: 'ISC', source: undefined, digest: 'YQ==' },
  ]);
});

test('the bill of materials lists each package once, with licence and digest', () => {
  const [ours, theirs] = [readCrates(), readPackages()];
  const product = { name: 'hailuo-worker', version: '0.1.0', licence: 'MIT', rust: '1.95.0' };
  const { components, dependencies } = billOfMaterials(product, ours, theirs);
  const refs = components.map((component) => component['bom-ref']);
  expect(new Set(refs).size).toBe(refs.length);
  for (const { name, version } of ours.shipped) expect(refs).toContain(`pkg:cargo/${name}@${version}`);
  for (const { name, version } of theirs)
    expect(refs).toContain(`pkg:npm/${name.replace('@', '%40')}@${version}`);
  for (const { name, licenses, hashes } of components) {
    expect(licenses[0].expression, name).toMatch(/\w/);
    if (name !== 'rust-std') expect(hashes?.[0].content, name).toMatch(/^([0-9a-f]{64}|[0-9a-f]{128})$/);
  }
  expect(refs).toEqual(
    expect.arrayContaining(['rust-std@1.95.0', expect.stringMatching(/^pkg:cargo\/worker@/)]),
  );
  expect(dependencies[0]?.dependsOn).not.toContainEqual(expect.stringMatching(/syn|proptest|npm/));
});
