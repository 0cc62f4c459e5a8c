// A rotation: KEY=SIGNING_KEY makes a new secret and puts it in the right order, so that what the old one signed stays
// valid; FINISH=1 ends the old one; STOLEN=1 ends it at once. The old one comes from the file of secrets, from CURRENT=…,
// or is asked for. KEY may also be NOTIFY_SECRET or OPERATOR_TOKEN.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import * as cloudflare from './account.ts';
import { acceptsKey } from './callback-proof.ts';
import { type Instance, instanceOf, nameArgument } from './instance.ts';
import { knownSettings } from './known-settings.ts';
import { readSecrets, readSettings, writeSecrets } from './own-settings.ts';
import { finish, isRotatable, ROTATABLE, type Rotatable, rotate, type Step } from './rotation.ts';
import { type Run, sayAll } from './run.ts';
import { cannotShow, canShow, keep, newKey } from './signing-key.ts';
import { addressOf, configFor, projectConfig, usesWorkersDev } from './worker-config.ts';
import { runWrangler, wranglerError } from './wrangler.ts';

/** How long a new secret may take until it is used everywhere; HEALTH_SECONDS says another time. */
const HEALTH_SECONDS = 90;
const EVERY_MS = 1000;

export async function rotateSecret(run: Run): Promise<number> {
  const { environment } = run;
  const { KEY: name = 'SIGNING_KEY', FINISH, STOLEN, CURRENT } = environment;
  if (!isRotatable(name)) throw new Error(`KEY must be one of ${ROTATABLE.join(', ')}`);
  const known = knownSettings();
  const project = projectConfig();
  const instance = instanceOf(environment, project.name);
  const config = configFor(project, instance, readSettings(instance.settingsFile, known));
  const { secrets } = readSecrets(instance.secretsFile, known);
  const again = `make rotate KEY=${name}${nameArgument(instance)}`;

  // 1. Look at what the Worker has.
  const api = await cloudflare.CloudflareApi.open(environment);
  const account = await cloudflare.chooseAccount(
    api,
    environment.CLOUDFLARE_ACCOUNT_ID || config.account_id,
    again,
  );
  const present = await cloudflare.secretNames(api, account, instance.worker);
  if (!present?.includes(name))
    throw new Error(`${instance.worker} has no ${name} to rotate: make deploy sets it`);
  if (FINISH === '1') {
    const step = finish(name, CURRENT || secrets[name]);
    await apply(environment, step, present, account, instance);
    sayAll(run, step.advice);
    return 0;
  }
  const isUnderWay = name === 'SIGNING_KEY' && present.includes('SIGNING_KEY_PREVIOUS');
  if (isUnderWay && STOLEN !== '1') throw new Error(underWay('SIGNING_KEY_PREVIOUS is set', again));

  // 2. Find the old one, and make sure that it is the one in use: another in its place would end all that it signed.
  const isNeeded = STOLEN !== '1' && name !== 'OPERATOR_TOKEN';
  const old = isNeeded ? CURRENT || secrets[name] || (await typed(run, name)) : undefined;
  if (name === 'NOTIFY_SECRET' && old?.includes(' '))
    throw new Error(underWay(`${name} has two keys`, again));
  const subdomain = usesWorkersDev(config)
    ? await cloudflare.requireSubdomain(api, account, instance)
    : undefined;
  const address = environment.URL?.replace(/\/$/, '') || addressOf(config, subdomain);
  if (name === 'SIGNING_KEY') {
    if (address === undefined) throw new Error('say where the Worker is reached: URL=https://…');
    const unfinished = old !== undefined && (await isUnsent(address, old, secrets.SIGNING_KEY_PREVIOUS));
    if (unfinished) {
      // The file has the new key already: it only has to be put.
      const step = rotate(name, secrets.SIGNING_KEY_PREVIOUS, old, again);
      await apply(environment, step, present, account, instance);
      await expectKeys(run, address, [old, secrets.SIGNING_KEY_PREVIOUS]);
      sayAll(run, step.advice);
      return 0;
    }
  }

  // 3. Make the new one, show it, then put it.
  if (!canShow(environment, run.isTerminal)) throw new Error(cannotShow(name, instance));
  const made = name === 'NOTIFY_SECRET' ? `whsec_${randomBytes(32).toString('base64')}` : newKey();
  const step = rotate(name, old, made, again);
  sayAll(run, keep(name, made, instance, step.changes));
  await apply(environment, step, present, account, instance);

  // 4. Wait until the Worker uses it.
  if (name === 'SIGNING_KEY' && address !== undefined) await expectKeys(run, address, [made, old]);
  sayAll(run, step.advice);
  return 0;
}

const underWay = (why: string, again: string) =>
  `a rotation is under way: ${why}. End it first: ${again} FINISH=1`;

/**
 * Whether an earlier rotation wrote the file of secrets and did not come to the Worker, which still has the key before.
 *
 * @throws {Error} if the Worker has neither.
 */
async function isUnsent(address: string, key: string, before: string | undefined): Promise<boolean> {
  if (await acceptsKey(address, key)) return false;
  if (before !== undefined && (await acceptsKey(address, before))) return true;
  throw new Error(`this is not the SIGNING_KEY of ${address}: nothing was changed`);
}

/**
 * Writes the file of secrets, then puts all changes with one call: between two calls the Worker would not know the key of
 * the running videos.
 */
async function apply(
  environment: NodeJS.ProcessEnv,
  { changes }: Step,
  present: string[],
  { id }: cloudflare.Account,
  { worker, secretsFile }: Instance,
): Promise<void> {
  const isFile = existsSync(secretsFile);
  if (isFile) writeSecrets(secretsFile, changes);
  const needed = Object.entries(changes).filter(([name, value]) => value !== null || present.includes(name));
  const options = { accountId: id, input: JSON.stringify(Object.fromEntries(needed)) };
  const result = await runWrangler(environment, ['secret', 'bulk', '--name', worker], options);
  if (result.exitCode === 0) return;
  const isSigningKey = needed.some(([name]) => name.startsWith('SIGNING_KEY'));
  const how = isSigningKey ? 'run the same again' : '`make deploy` puts them';
  const again = isFile ? `; ${basename(secretsFile)} has the new secrets: ${how}` : '';
  throw new Error(`wrangler secret bulk failed: ${wranglerError(result)}${again}`);
}

async function expectKeys(run: Run, address: string, [made, old]: (string | undefined)[]): Promise<void> {
  const keys = [made, old].filter((key) => key !== undefined);
  const withinMs = Number(run.environment.HEALTH_SECONDS || HEALTH_SECONDS) * 1000;
  const deadline = performance.now() + withinMs;
  for (;;) {
    const accepted = await Promise.all(keys.map((key) => acceptsKey(address, key)));
    if (accepted.every(Boolean)) break;
    if (performance.now() > deadline) {
      throw new Error(`the new key was put, but ${address} does not use it yet; look again later`);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  sayAll(run, [
    `${address} uses the new key${old === undefined ? '' : ', and accepts what the old one signed'}.`,
  ]);
}

async function typed({ isTerminal }: Run, name: Rotatable): Promise<string> {
  if (!isTerminal || !process.stdin.isTTY)
    throw new Error(`say the present ${name}: in .secrets, or as CURRENT=…`);
  const input = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await input.question(`The present ${name}: `)).trim();
  } finally {
    input.close();
  }
}
