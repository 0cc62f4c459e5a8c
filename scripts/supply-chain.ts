// `node scripts/supply-chain.ts`: fails if a package has a forbidden licence or source, or a known vulnerability, if
// npm's registry reports them. cargo-deny checks the crates.
import { spawnSync } from 'node:child_process';
import { root } from './shared/worker-process.ts';
import { readPackages } from './supply-chain/dependencies.ts';
import { problems } from './supply-chain/supply-chain-rules.ts';

const AUDIT_TIMEOUT_MS = 30_000;

const packages = readPackages();
console.log(`${packages.length} packages`);
for (const problem of [...problems(packages), ...audited()]) {
  console.error(problem);
  process.exitCode = 1;
}

/** The packages with serious vulnerabilities; none if the registry does not answer. */
function audited(): string[] {
  const { stdout } = spawnSync('npm', ['audit', '--json', '--fetch-retries=0', '--audit-level=high'], {
    cwd: root,
    encoding: 'utf8',
    timeout: AUDIT_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const report = parsed(stdout);
  if (report?.vulnerabilities === undefined) {
    console.log('npm audit: skipped, the registry does not answer it');
    return [];
  }
  const holes = Object.values(report.vulnerabilities);
  const serious = holes.filter(({ severity }) => ['high', 'critical'].includes(severity));
  console.log(`npm audit: ${holes.length} known, ${serious.length} of them serious`);
  return serious.map(({ name, severity }) => `${name} has a ${severity} vulnerability; see npm audit`);
}

interface Report {
  vulnerabilities?: Record<string, { name: string; severity: string }>;
}

function parsed(text: string | null): Report | undefined {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
