// What a rotation changes, and in which order. Without I/O.

/** The secrets that can be made anew here. The others come from Wiro or Cloudflare, or belong to clients. */
export const ROTATABLE = ['SIGNING_KEY', 'NOTIFY_SECRET', 'OPERATOR_TOKEN'] as const;
export type Rotatable = (typeof ROTATABLE)[number];

export interface Step {
  /** What the Worker's secrets become, all with one call; null removes one. */
  changes: Record<string, string | null>;
  /** What is to be done, and when. */
  advice: string[];
}

export function isRotatable(name: string): name is Rotatable {
  return (ROTATABLE as readonly string[]).includes(name);
}

/** The first step: from now on the new one is used. `old` is accepted besides, undefined if it was stolen. */
export function rotate(name: Rotatable, old: string | undefined, made: string, again: string): Step {
  switch (name) {
    case 'SIGNING_KEY':
      return {
        changes: { SIGNING_KEY: made, SIGNING_KEY_PREVIOUS: old ?? null },
        advice:
          old === undefined
            ? ['All ids, playback links and callbacks of the old key have ended: their videos are 404.']
            : [
                'Ids, playback links and callbacks of the old key stay valid. When RETENTION_DAYS have passed, end them:',
                `  ${again} FINISH=1`,
                'An Idempotency-Key that was sent before this makes a new video from now on.',
              ],
      };
    case 'NOTIFY_SECRET':
      return {
        changes: { NOTIFY_SECRET: old === undefined ? made : `${made} ${old}` },
        advice:
          old === undefined
            ? ['Give the new secret to your receiver: it refuses what is sent until it has it.']
            : [
                'Every webhook has two signatures now. Give the new secret to your receiver, then:',
                `  ${again} FINISH=1`,
              ],
      };
    case 'OPERATOR_TOKEN':
      return { changes: { OPERATOR_TOKEN: made }, advice: ['Only the new token counts from now on.'] };
  }
}

/** The last step: the old one is no longer accepted. `current` is the secret's present value, where it is needed. */
export function finish(name: Rotatable, current: string | undefined): Step {
  switch (name) {
    case 'SIGNING_KEY':
      return {
        changes: { SIGNING_KEY_PREVIOUS: null },
        advice: ['Ids, playback links and callbacks of the old key have ended.'],
      };
    case 'NOTIFY_SECRET': {
      const [newest = ''] = (current ?? '').split(/\s+/);
      if (newest === '') throw new Error('say the new secret: CURRENT=whsec_…');
      return {
        changes: { NOTIFY_SECRET: newest },
        advice: ['Webhooks have one signature now, by the new secret.'],
      };
    }
    case 'OPERATOR_TOKEN':
      throw new Error('OPERATOR_TOKEN has no second step: the old one ended at once');
  }
}
