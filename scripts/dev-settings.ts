// The settings that `make dev` uses: those of `.dev.vars`, and below them a deployer's own, so that a deployment can be
// tried with the stand-in before it is made.
import { parseEnv } from 'node:util';

/** As the Worker requires it. */
const MIN_SIGNING_KEY_CHARACTERS = 32;

/** So that a video of the stand-in's need not wait for what is right for the real Wiro. */
const QUICK = { POLL_SECONDS: '0.5', RETRY_SECONDS: '0.5,1,2' };

/**
 * What of a deployer's own settings means the deployed Worker only: its address and its receiver, the keys of its videos
 * and of the real Wiro, and a challenge that is bound to its host name.
 */
const DEPLOYED_ONLY = [
  ...['PUBLIC_URL', 'NOTIFY_URL', 'SIGNING_KEY', 'SIGNING_KEY_PREVIOUS', 'WIRO_API_KEY', 'WIRO_API_SECRET'],
  ...['TURNSTILE_SECRET', 'TURNSTILE_SITE_KEY'],
];

export interface DevSettings {
  /** Whether there is a key for the real Wiro, which costs money. */
  real: boolean;
  /** Whether SIGNING_KEY must come from elsewhere. */
  lacksSigningKey: boolean;
  /** The settings in the file that are not empty, by name. They apply with the stand-in too. */
  given: string[];
}

/** `devVars`: the file's text, undefined when there is no such file. */
export function devSettings(devVars: string | undefined): DevSettings {
  const values = parseEnv(devVars ?? '');
  const given = Object.keys(values)
    .filter((name) => values[name]?.trim())
    .sort();
  const signingKey = values.SIGNING_KEY?.trim() ?? '';
  if (signingKey !== '' && signingKey.length < MIN_SIGNING_KEY_CHARACTERS) {
    throw new Error(`SIGNING_KEY in .dev.vars needs at least ${MIN_SIGNING_KEY_CHARACTERS} characters`);
  }
  return { real: given.includes('WIRO_API_KEY'), lacksSigningKey: signingKey === '', given };
}

/**
 * The settings that lead to the stand-in, over those of the file and a deployer's `own`. Turnstile is not Wiro's: whoever
 * gives its secret means its own verifier.
 */
export function standInSettings(
  standIn: Record<string, string>,
  { given }: DevSettings,
  own: Record<string, string> = {},
): Record<string, string> {
  const isGiven = (name: string) =>
    name in own || given.includes(name === 'TURNSTILE_VERIFY_URL' ? 'TURNSTILE_SECRET' : name);
  const { TURNSTILE_VERIFY_URL, ...ofWiro } = standIn;
  const optional = Object.entries({ TURNSTILE_VERIFY_URL, ...QUICK });
  const missing = optional.filter(([name, value]) => value !== undefined && !isGiven(name));
  return { ...ofWiro, ...Object.fromEntries(missing) } as Record<string, string>;
}

/** The settings of the file that count with the stand-in. */
export function appliedSettings(standIn: Record<string, string>, { given }: DevSettings): string[] {
  return given.filter((name) => !(name in standIn));
}

export interface OwnDevSettings {
  /** As text, which is how they are given to the Worker here. */
  applied: Record<string, string>;
  /** The names of those that count for the deployed Worker only. */
  left: string[];
}

/** A deployer's own vars and secrets, where `.dev.vars` does not have the same. */
export function ownDevSettings(own: Record<string, unknown>, { given }: DevSettings): OwnDevSettings {
  const set = Object.entries(own).map(([name, value]): [string, string] => [name, asText(name, value)]);
  const others = set.filter(([name, value]) => value !== '' && !given.includes(name));
  const left = others.filter(([name]) => DEPLOYED_ONLY.includes(name)).map(([name]) => name);
  return { applied: Object.fromEntries(others.filter(([name]) => !left.includes(name))), left: left.sort() };
}

/** As the Worker reads a list, a table, a number or a boolean: `src/config/setting_text.rs`. */
function asText(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object' && value !== null) {
    if (name !== 'PRICES_USD') return JSON.stringify(value);
    return Object.entries(value)
      .map(([format, price]) => `${format}=${price}`)
      .join(',');
  }
  return String(value).trim();
}
