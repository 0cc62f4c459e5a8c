// `make deploy`, for the owner of a Cloudflare account. `wrangler deploy` itself makes the KV namespace and the R2
// bucket that are missing, and keeps those that a deployed Worker has; this looks first for what would make it fail, and
// says which secrets are left to be set.
import { type SpawnSyncOptionsWithStringEncoding, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { unstable_readConfig } from 'wrangler';
import {
  type Identity,
  identityProblem,
  jsonIn,
  leftover,
  missingSecrets,
  type Namespace,
  namespaceTitle,
  secretAdvice,
  secretsOf,
  storageProblem,
  withNamespaceId,
  wranglerError,
} from './deploy-plan.ts';
import { reasonOf } from './shared/reason.ts';
import { root } from './shared/worker-process.ts';

const CONFIG = join(root, 'wrangler.toml');
/** Beside the other: its paths are relative. */
const CONFIG_WITH_ID = join(root, 'wrangler.deploy.toml');
const BINDING = 'TASKS';

/** What is read of wrangler.toml. */
interface Config {
  name?: string;
  account_id?: string;
  kv_namespaces: { binding: string; id?: string }[];
}

try {
  deploy();
} catch (error) {
  console.error(error instanceof Error && error.message.includes('\n') ? error.message : reasonOf(error));
  process.exitCode = 1;
}

function deploy(): void {
  const config: Config = unstable_readConfig({ config: CONFIG });
  const worker = config.name ?? 'hailuo-worker';

  // 1. Check the identity and the account.
  const whoami = wrangler('whoami', '--json');
  if (!/^\{/m.test(whoami.stdout)) throw new Error(`wrangler whoami failed: ${wranglerError(whoami)}`);
  const accountId = process.env.CLOUDFLARE_ACCOUNT_ID || config.account_id;
  refuse(identityProblem(jsonIn(whoami.stdout) as Identity, accountId));

  // 2. Read the state of the account.
  const secrets = secretsOf(wrangler('secret', 'list', '--format', 'json'));
  const workerExists = secrets !== undefined;
  console.log(
    workerExists
      ? `The Worker ${worker} is there and is updated.`
      : `The Worker ${worker} is deployed for the first time.`,
  );
  refuse(storageProblem(wrangler('r2', 'bucket', 'list')));
  const configuredId = config.kv_namespaces.find(({ binding }) => binding === BINDING)?.id;
  const listed = wrangler('kv', 'namespace', 'list');
  if (listed.exitCode !== 0) throw new Error(`wrangler kv namespace list failed: ${wranglerError(listed)}`);
  const namespaces = jsonIn(listed.stdout) as Namespace[];
  const kept = leftover(namespaces, namespaceTitle(worker, BINDING), { workerExists, configuredId });
  const missing = missingSecrets(secrets ?? []);
  if (missing.length > 0)
    console.log(`Secrets not set yet: ${missing.join(', ')}. The commands come at the end.`);

  // 3. Deploy.
  try {
    if (kept) {
      console.log(`The KV namespace ${kept.title} (${kept.id}) is there already and is used.`);
      writeFileSync(CONFIG_WITH_ID, withNamespaceId(readFileSync(CONFIG, 'utf8'), BINDING, kept.id));
    }
    const args = ['deploy', '--config', kept ? CONFIG_WITH_ID : CONFIG];
    const { status } = spawnSync('wrangler', args, { cwd: root, stdio: 'inherit' });
    if (status !== 0) throw new Error('wrangler deploy failed; what it said is above');
  } finally {
    rmSync(CONFIG_WITH_ID, { force: true });
  }
  const advice = secretAdvice(secrets ?? []);
  if (advice.length > 0) console.log(`\n${advice.join('\n')}`);
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new Error(problem);
}

/** Runs wrangler without a terminal, so that it cannot ask questions. */
function wrangler(...args: string[]): { exitCode: number | null; stdout: string; stderr: string } {
  const options: SpawnSyncOptionsWithStringEncoding = {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  };
  const { status, stdout, stderr, error } = spawnSync('wrangler', args, options);
  if (error) throw new Error(`wrangler cannot be started: ${error.message}`);
  return {
    exitCode: status,
    stdout: stripVTControlCharacters(stdout),
    stderr: stripVTControlCharacters(stderr),
  };
}
