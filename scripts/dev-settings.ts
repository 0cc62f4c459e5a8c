// The settings that `make dev` derives from `.dev.vars`.
import { parseEnv } from 'node:util';

/** As the Worker requires it. */
const MIN_SIGNING_KEY_CHARACTERS = 32;

export interface DevSettings {
  /** Whether there is a key for the real Wiro, which costs money. */
  real: boolean;
  /** Whether SIGNING_KEY must come from elsewhere. */
  lacksSigningKey: boolean;
}

/** `devVars`: the file's text, undefined when there is no such file. */
export function devSettings(devVars: string | undefined): DevSettings {
  const values = parseEnv(devVars ?? '');
  const real = Boolean(values.WIRO_API_KEY?.trim());
  const signingKey = values.SIGNING_KEY?.trim() ?? '';
  if (real && signingKey !== '' && signingKey.length < MIN_SIGNING_KEY_CHARACTERS) {
    throw new Error(`SIGNING_KEY in .dev.vars needs at least ${MIN_SIGNING_KEY_CHARACTERS} characters`);
  }
  return { real, lacksSigningKey: !real || signingKey === '' };
}
