// The Worker's dependencies: Cargo's packages, and the build tools in npm's lockfile.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../shared/worker-process.ts';

/** The project's, and that of a generator whose clients are tested. */
const LOCKFILES = ['package-lock.json', 'tests/clients/generated/package-lock.json'];

export interface Dependency {
  name: string;
  version: string;
  /** An SPDX expression; empty if there is none. */
  licence: string;
  /** The digest in the lockfile: SHA-256 of a crate in hex, or SHA-512 of a package in base64. */
  digest: string | undefined;
}

export interface Package extends Dependency {
  /** Its source, if it is not from the registry. */
  source: string | undefined;
}

export interface Crates {
  /** Packages that are compiled into the wasm. */
  shipped: Dependency[];
  /** Packages that are used only for building and testing. */
  tools: Dependency[];
}

/** The output of `cargo metadata`, without unused members. */
export interface Metadata {
  packages: {
    id: string;
    name: string;
    version: string;
    license: string | null;
    targets: { kind: string[] }[];
  }[];
  resolve: {
    root: string;
    nodes: { id: string; deps: { pkg: string; dep_kinds: { kind: string | null }[] }[] }[];
  };
}

export function readCrates(): Crates {
  const wanted = [
    'metadata',
    '--locked',
    '--format-version',
    '1',
    '--filter-platform',
    'wasm32-unknown-unknown',
  ];
  const json = execFileSync('cargo', wanted, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 27 });
  return crates(JSON.parse(json), readFileSync(join(root, 'Cargo.lock'), 'utf8'));
}

export function crates({ packages, resolve }: Metadata, lockfile: string): Crates {
  const shippedIds = reachable(packages, resolve);
  const digests = checksums(lockfile);
  const others = packages.filter(({ id }) => id !== resolve.root);
  const described = (isWanted: (id: string) => boolean) =>
    others
      .filter(({ id }) => isWanted(id))
      .map(({ name, version, license }) => ({
        name,
        version,
        // An older notation for OR.
        licence: (license ?? '').replaceAll('/', ' OR '),
        digest: digests.get(`${name} ${version}`),
      }));
  return { shipped: described((id) => shippedIds.has(id)), tools: described((id) => !shippedIds.has(id)) };
}

/** Ordinary dependencies only: macros run in the compiler and are not shipped. */
function reachable(packages: Metadata['packages'], { root, nodes }: Metadata['resolve']): Set<string> {
  const macros = new Set(
    packages
      .filter(({ targets }) => targets.some(({ kind }) => kind.includes('proc-macro')))
      .map(({ id }) => id),
  );
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Set<string>();
  const visit = (id: string) => {
    if (found.has(id) || macros.has(id)) return;
    found.add(id);
    for (const { pkg, dep_kinds } of byId.get(id)?.deps ?? []) {
      if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg);
    }
  };
  visit(root);
  return found;
}

function checksums(lockfile: string): Map<string, string> {
  const entry = /name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"/g;
  return new Map(
    [...lockfile.matchAll(entry)].map(([, name, version, sum]) => [`${name} ${version}`, `${sum}`]),
  );
}

interface Lockfile {
  packages: Record<string, { version?: string; license?: string; integrity?: string; resolved?: string }>;
}

export function readPackages(): Package[] {
  return LOCKFILES.flatMap((path) => packages(JSON.parse(readFileSync(join(root, path), 'utf8'))));
}

export function packages({ packages }: Lockfile): Package[] {
  const installed = Object.entries(packages).filter(([path]) => path !== '');
  return installed.map(([path, { version = '', license = '', integrity, resolved }]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    licence: license,
    source: resolved === undefined ? undefined : new URL(resolved).protocol,
    digest: integrity?.match(/^sha512-(\S+)$/)?.[1],
  }));
}
