// A deployment; NAME=staging for a second Worker in it. First everything is
// checked: the account, and the settings with the Worker's own rules. Then wrangler deploys what is in `dist`, with its
// secrets. At the end the deployed Worker is asked how it is, and what is left to do is said. CHECK=1 deploys nothing.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as cloudflare from './account.ts';
import { checkSettings } from './check-settings.ts';
import { clientProblems, clientWarnings } from './client-tokens.ts';
import { instanceOf, nameArgument, namespaceTitle } from './instance.ts';
import { type KnownSettings, knownSettings, suggestion } from './known-settings.ts';
import { askDeployed, failureAdvice } from './outcome.ts';
import { readSecrets, readSettings, varProblems } from './own-settings.ts';
import { type Run, sayAll } from './run.ts';
import { cannotShow, canShow, keep, newKey } from './signing-key.ts';
import { nextSteps, whoMaySpend } from './spending.ts';
import {
  addressOf,
  configFor,
  projectConfig,
  usesWorkersDev,
  type WorkerConfig,
  writeConfig,
} from './worker-config.ts';
import { runWrangler } from './wrangler.ts';

const BINDING = 'TASKS';

/** `make rotate` changes these two: another key in a file of secrets would end every id and link. */
const ROTATED = ['SIGNING_KEY', 'SIGNING_KEY_PREVIOUS'];

/** How long a new version, or a new host name, may take to answer; HEALTH_SECONDS says another time. */
const HEALTH_SECONDS = 90;

export async function deploy(run: Run): Promise<number> {
  const { environment } = run;
  const known = knownSettings();
  const project = projectConfig();
  const instance = instanceOf(environment, project.name);
  const { worker } = instance;

  // 1. Read the settings, and check what can be checked without the Worker.
  const own = readSettings(instance.settingsFile, known);
  const { secrets, problems } = readSecrets(instance.secretsFile, known);
  const config = configFor(project, instance, own);
  const projectProblems = varProblems(project.vars, known).map((problem) => `wrangler.toml: ${problem}`);
  refuse([...own.problems, ...projectProblems, ...problems, ...clientProblems(secrets.CLIENT_TOKENS)]);
  warn(run, clientWarnings(secrets.CLIENT_TOKENS));
  if (!existsSync(instance.settingsFile)) {
    run.say(`${basename(instance.settingsFile)} does not exist: the settings of wrangler.toml hold.`);
  }

  // 2. Look for what would make the deployment fail at Cloudflare.
  const api = await cloudflare.CloudflareApi.open(environment);
  const configured = environment.CLOUDFLARE_ACCOUNT_ID || config.account_id;
  const account = await cloudflare.chooseAccount(api, configured, `make deploy${nameArgument(instance)}`);
  const present = await cloudflare.secretNames(api, account, worker);
  const isFirst = present === undefined;
  run.say(`The Worker ${worker} is ${isFirst ? 'deployed for the first time' : 'there and is updated'}.`);
  warn(run, secretWarnings(present ?? [], known));
  await cloudflare.requireR2(api, account);
  const subdomain = usesWorkersDev(config)
    ? await cloudflare.requireSubdomain(api, account, instance)
    : undefined;
  const namespaces = await cloudflare.namespaces(api, account);
  const kept = cloudflare.leftover(namespaces, namespaceTitle(worker, BINDING), {
    workerExists: !isFirst,
    configuredId: config.kv_namespaces.find(({ binding }) => binding === BINDING)?.id,
  });
  if (kept) {
    run.say(`The KV namespace ${kept.title} (${kept.id}) is there already and is used.`);
    config.kv_namespaces = [{ binding: BINDING, id: kept.id }];
  }

  // 3. Check the settings with the Worker's own rules, together with the secrets that it has already.
  const stored = (config.secrets_store_secrets ?? []).map(({ binding }) => binding);
  const others = [...(present ?? []), ...stored];
  const keepsKey = others.includes('SIGNING_KEY');
  const sent = Object.fromEntries(
    Object.entries(secrets).filter(([name]) => !(keepsKey && ROTATED.includes(name))),
  );
  const checked = await checkSettings(config.vars, sent, others);
  refuse(checked.problems);
  warn(run, checked.warnings);
  const deployment = { ...checked, vars: config.vars, secrets: [...others, ...Object.keys(sent)] };
  sayAll(run, whoMaySpend(deployment));
  if (environment.CHECK === '1') {
    sayAll(run, nextSteps(deployment, instance));
    sayAll(run, ['The settings are valid. Nothing was sent: CHECK=1.']);
    return 0;
  }

  // 4. Make the key that nobody gave: it is shown before it is sent.
  const makesKey = !deployment.secrets.includes('SIGNING_KEY');
  if (makesKey) {
    if (!canShow(environment, run.isTerminal)) throw new Error(cannotShow('SIGNING_KEY', instance));
    sent.SIGNING_KEY = newKey();
    deployment.secrets.push('SIGNING_KEY');
    sayAll(run, keep('SIGNING_KEY', sent.SIGNING_KEY, instance));
  }

  // 5. Deploy.
  if (!(await send(run, config, sent, account.id))) {
    const cron = await cloudflare.ensureCron(api, account, worker, config.triggers.crons);
    sayAll(run, failureAdvice({ cron, isFirst, madeKey: makesKey }, instance));
    if (cron !== 'no Worker') sayAll(run, nextSteps(deployment, instance));
    return 1;
  }

  // 6. Ask the deployed Worker, and say what is left to do.
  const address = environment.URL?.replace(/\/$/, '') || addressOf(config, subdomain);
  const withinMs = Number(environment.HEALTH_SECONDS || HEALTH_SECONDS) * 1000;
  const isWell = await askDeployed(run, address, withinMs, deployment);
  sayAll(run, nextSteps(deployment, instance));
  return isWell ? 0 : 1;
}

/** Runs `wrangler deploy`, where it can ask questions; what it says is shown. */
async function send(
  { environment, isShared, say, defer }: Run,
  config: WorkerConfig,
  secrets: Record<string, string>,
  accountId: string,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-worker-deploy-'));
  defer(() => rm(folder, { recursive: true, force: true }));
  const secretsFile = join(folder, 'secrets.json');
  await writeFile(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
  const args = ['deploy', '--config', writeConfig(config)];
  if (Object.keys(secrets).length > 0) args.push('--secrets-file', secretsFile);
  const { exitCode, stdout, stderr } = await runWrangler(environment, args, { accountId, isShared });
  if (!isShared) say(`${stdout}\n${stderr}`);
  return exitCode === 0;
}

/** Secrets of the deployed Worker that it does not read. */
function secretWarnings(present: string[], { vars, secrets }: KnownSettings): string[] {
  const unknown = present.filter((name) => !secrets.includes(name));
  return unknown.map((name) => {
    return `the Worker has a secret ${name}, which it does not read${suggestion(name, [...secrets, ...vars])}`;
  });
}

function refuse(problems: string[]): void {
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `  ${problem}`);
  throw new Error(['Nothing was sent. Correct these settings:', ...lines].join('\n'));
}

function warn({ say }: Run, warnings: string[]): void {
  for (const warning of warnings) say(`Warning: ${warning}`);
}
