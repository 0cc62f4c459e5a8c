// The software bill of materials in CycloneDX format: the parts of the Worker, and the build tools.
import type { Crates, Dependency } from './dependencies.ts';

interface Component {
  type: 'library' | 'application';
  name: string;
  version: string;
  /** `required`: shipped; `excluded`: a tool. */
  scope?: 'required' | 'excluded';
  purl?: string;
  'bom-ref': string;
  licenses: [{ expression: string }];
  hashes?: [{ alg: 'SHA-256' | 'SHA-512'; content: string }];
}

export interface Bom {
  $schema: string;
  bomFormat: 'CycloneDX';
  specVersion: '1.6';
  version: 1;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** The service itself, and the compiler with its standard library. */
export interface Product {
  name: string;
  version: string;
  licence: string;
  rust: string;
}

export function billOfMaterials(product: Product, { shipped, tools }: Crates, packages: Dependency[]): Bom {
  const ref = `pkg:cargo/${product.name}@${product.version}`;
  const component: Component = {
    type: 'application',
    name: product.name,
    version: product.version,
    'bom-ref': ref,
    licenses: [{ expression: product.licence }],
  };
  const std: Component = {
    type: 'library',
    name: 'rust-std',
    version: product.rust,
    scope: 'required',
    'bom-ref': `rust-std@${product.rust}`,
    licenses: [{ expression: 'MIT OR Apache-2.0' }],
  };
  const inside = [std, ...shipped.map((crate) => described(crate, 'cargo', 'required'))];
  const beside = [
    ...tools.map((crate) => described(crate, 'cargo', 'excluded')),
    ...unique(packages).map((tool) => described(tool, 'npm', 'excluded')),
  ];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component },
    components: [...inside, ...beside],
    dependencies: [{ ref, dependsOn: inside.map((part) => part['bom-ref']) }],
  };
}

function described(
  { name, version, licence, digest }: Dependency,
  kind: 'cargo' | 'npm',
  scope: 'required' | 'excluded',
): Component {
  const purl = `pkg:${kind}/${name.replace('@', '%40')}@${version}`;
  const hashes: Pick<Component, 'hashes'> = digest
    ? {
        hashes:
          kind === 'cargo'
            ? [{ alg: 'SHA-256', content: digest }]
            : [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }],
      }
    : {};
  return {
    type: 'library',
    name,
    version,
    scope,
    purl,
    'bom-ref': purl,
    licenses: [{ expression: licence }],
    ...hashes,
  };
}

/** A package may be installed several times. */
function unique(packages: Dependency[]): Dependency[] {
  return [...new Map(packages.map((one) => [`${one.name}@${one.version}`, one])).values()];
}
