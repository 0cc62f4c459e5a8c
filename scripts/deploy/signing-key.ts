// Making a secret that somebody must see once: nobody can read it back from Cloudflare, and what it signed can only be
// kept valid by whoever knows it.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Instance } from './instance.ts';
import { writeSecrets } from './own-settings.ts';

export const newKey = () => randomBytes(32).toString('hex');

/** An output that is kept, as that of a CI job, is no place for a secret. */
export function canShow(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  return environment.SHOW_KEY === '1' || (isTerminal && !environment.CI);
}

/** Writes the changes to the file of secrets, where there is one, and returns the lines that show the new secret. */
export function keep(
  name: string,
  value: string,
  { secretsFile }: Instance,
  changes: Record<string, string | null> = { [name]: value },
): string[] {
  const isFile = existsSync(secretsFile);
  if (isFile) writeSecrets(secretsFile, changes);
  return [
    `${name} was made. It is shown this once, and nobody can read it back from Cloudflare:`,
    '',
    `  ${value}`,
    '',
    isFile
      ? `It is also in ${basename(secretsFile)}. Keep a copy somewhere safe: without it the key can never be rotated.`
      : 'Keep it somewhere safe: without it the key can never be rotated.',
  ];
}

export function cannotShow(name: string, { secretsFile }: Instance): string {
  return [
    `${name} is not set, and a new one would be shown here, where no terminal is. Make it yourself and keep it:`,
    `  echo "${name}=$(openssl rand -hex 32)" >> ${basename(secretsFile)}`,
    'or let it be shown here: SHOW_KEY=1.',
  ].join('\n');
}
