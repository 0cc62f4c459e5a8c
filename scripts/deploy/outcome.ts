// What is said after a deployment: of one that failed, and of the Worker that answers.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Cron } from './account.ts';
import { type Health, healthOf } from './health.ts';
import { type Instance, nameArgument } from './instance.ts';
import type { Run } from './run.ts';
import type { Deployment } from './spending.ts';

export interface Failure {
  cron: Cron;
  isFirst: boolean;
  /** Whether a SIGNING_KEY was made for this deployment. */
  madeKey: boolean;
}

export function failureAdvice({ cron, isFirst, madeKey }: Failure, instance: Instance): string[] {
  const lines = ['wrangler deploy failed; what it said is above.'];
  const isThere = cron !== 'no Worker';
  if (!isThere) lines.push('The Worker is not there yet.');
  else if (isFirst) lines.push('The Worker and its secrets are there.');
  else lines.push('The Worker is there. Which version runs: npx wrangler deployments list');
  if (cron === 'set') lines.push('Its cron trigger is set.');
  else if (isThere) lines.push(`Its cron trigger could not be set: ${cron.failed}`);
  if (madeKey && !isThere) {
    lines.push(
      existsSync(instance.secretsFile)
        ? `SIGNING_KEY was not set; the next time the one in ${basename(instance.secretsFile)} is used.`
        : 'SIGNING_KEY was not set: forget the one that was shown, the next time another one is made.',
    );
  }
  return [...lines, `When the cause is removed, run it again: make deploy${nameArgument(instance)}`];
}

/** Asks the deployed Worker; returns whether it answers as it should with these settings. */
export async function askDeployed(
  { say }: Run,
  address: string | undefined,
  withinMs: number,
  { secrets, protection }: Deployment,
): Promise<boolean> {
  if (address === undefined) {
    say('\nWhere the Worker is reached cannot be told. Ask it yourself: curl https://…/health');
    return true;
  }
  const isExpected = (health: Health) =>
    secrets.includes('WIRO_API_KEY')
      ? // Clients may also have been made at run time.
        health.kind === 'ok' && (protection === 'none' || health.protection === protection)
      : health.kind === 'misconfigured' && health.detail === 'WIRO_API_KEY is not set';
  say(`\nAsking ${address}/health …`);
  const health = await healthOf(address, withinMs, isExpected);
  const isWell = isExpected(health);
  say(described(health, isWell, address));
  if (health.kind === 'ok' && !isWell) {
    say(`It should say "${protection}", or that a key is not set: an older version may still be answering.`);
  }
  return isWell;
}

function described(health: Health, isWell: boolean, address: string): string {
  switch (health.kind) {
    case 'ok':
      return `It answers: version ${health.version}, protection: ${health.protection}.`;
    case 'misconfigured':
      return `It answers 500 \`misconfigured\`${isWell ? ', as it must until its key is set' : ''}: ${health.detail}`;
    case 'unreachable':
      return `It does not answer yet: ${health.reason}. A new name may take some minutes: curl ${address}/health`;
  }
}
