// Who may spend the balance at Wiro, and what is left to do, in the order in which it should be done: protection, budget
// and operator before the key that lets anybody spend.
import { basename } from 'node:path';
import { type Instance, nameArgument } from './instance.ts';

export interface Deployment {
  /** `tokens`, `turnstile` or `none`. */
  protection: string;
  vars: Record<string, unknown>;
  /** The names of all secrets that the Worker has after this. */
  secrets: string[];
}

const text = (value: unknown) => (value === undefined || value === null ? '' : String(value).trim());

export function whoMaySpend({ protection, vars, secrets }: Deployment): string[] {
  const submits = text(vars.SUBMIT_PER_MINUTE);
  const active = text(vars.MAX_ACTIVE);
  const budget = text(vars.DAILY_BUDGET_USD);
  const mayHaveClients = protection === 'none' && secrets.includes('OPERATOR_TOKEN');
  const from = protection === 'tokens' ? 'client' : 'address';
  return [
    'Who may spend your balance at Wiro:',
    `  who        ${WHO[protection] ?? protection}${mayHaveClients ? ', unless you made clients at run time' : ''}`,
    `  how fast   ${submits === '0' ? 'any number of submits' : `${submits} submits a minute`} for each ${from}`,
    `  at once    ${active === '0' ? 'as many jobs as Wiro takes' : `${active} jobs`}`,
    `  a day      ${budget === '' ? 'without a limit: DAILY_BUDGET_USD is not set' : `$${budget} for all together`}`,
  ];
}

const WHO: Record<string, string> = {
  none: 'EVERYBODY who finds the URL: neither CLIENT_TOKENS nor TURNSTILE_SECRET is set',
  turnstile: 'people who solve a Turnstile challenge in a browser',
  tokens: 'clients with a token of CLIENT_TOKENS',
};

/** Empty if nothing is left. */
export function nextSteps(deployment: Deployment, instance: Instance): string[] {
  const { protection, vars, secrets } = deployment;
  const has = (name: string) => secrets.includes(name);
  const settings = basename(instance.settingsFile);
  const steps: string[][] = [];
  if (protection === 'none') {
    steps.push([
      'Decide who may submit:',
      `  CLIENT_TOKENS      clients with tokens: CLIENT_TOKENS='{"alice": "…"}', each token from: openssl rand -hex 16`,
      '  OPERATOR_TOKEN     then make clients at run time (docs/operations.md#clients)',
      '  TURNSTILE_SECRET   people who solve a challenge; with TURNSTILE_SITE_KEY (docs/configuration.md)',
    ]);
  }
  if (text(vars.DAILY_BUDGET_USD) === '') {
    steps.push([`Limit what a day may cost: DAILY_BUDGET_USD = "20" below [vars] in ${settings}`]);
  }
  if (!has('OPERATOR_TOKEN')) {
    steps.push(['Give yourself access to all videos: OPERATOR_TOKEN, from: openssl rand -hex 32']);
  }
  const isUnguarded = steps.length > 0;
  if (!has('SIGNING_KEY')) steps.push(['SIGNING_KEY, which `make deploy` makes']);
  if (!has('WIRO_API_KEY')) {
    steps.push([
      `${isUnguarded ? 'Only then the key that spends' : 'The key that spends'}: WIRO_API_KEY, of a Wiro project`,
      '  and WIRO_API_SECRET, only if the project signs its requests',
      '  Until then every request is answered 500 `misconfigured`.',
    ]);
  }
  if (steps.length === 0) return [];
  const put = `npx wrangler secret put NAME --name ${instance.worker}`;
  return [
    'What is left to do, in this order:',
    ...steps.flatMap(([first = '', ...rest], index) => [
      `  ${index + 1}. ${first}`,
      ...rest.map((line) => `     ${line}`),
    ]),
    `Secrets go as NAME=value into ${basename(instance.secretsFile)}, then: make deploy${nameArgument(instance)}`,
    `or without a file: ${put}`,
  ];
}
