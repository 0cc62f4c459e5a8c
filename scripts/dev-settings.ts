// The settings that `make dev` derives from `.dev.vars`.
import { parseEnv } from 'node:util';

/** As the Worker requires it. */
const MIN_SIGNING_KEY_CHARACTERS = 32;

/** So that a video of the stand-in's need not wait for what is right for the real Wiro. */
const QUICK = { POLL_SECONDS: '0.5', RETRY_SECONDS: '0.5,1,2' };

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
 * The settings that lead to the stand-in, over those of the file. Turnstile is not Wiro's: whoever gives its secret means its
 * own verifier.
 */
export function standInSettings(
  standIn: Record<string, string>,
  { given }: DevSettings,
): Record<string, string> {
  const isGiven = (name: string) =>
    given.includes(name === 'TURNSTILE_VERIFY_URL' ? 'TURNSTILE_SECRET' : name);
  const { TURNSTILE_VERIFY_URL, ...ofWiro } = standIn;
  const optional = Object.entries({ TURNSTILE_VERIFY_URL, ...QUICK });
  const missing = optional.filter(([name, value]) => value !== undefined && !isGiven(name));
  return { ...ofWiro, ...Object.fromEntries(missing) } as Record<string, string>;
}

/** The settings of the file that count with the stand-in. */
export function appliedSettings(standIn: Record<string, string>, { given }: DevSettings): string[] {
  return given.filter((name) => !(name in standIn));
}
