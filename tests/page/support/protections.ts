// The protections that a server may have, and the options of a client for each.
import type { BrowserContext } from 'playwright-core';
import { type Sim, TURNSTILE_SECRET } from '../../../sim/index.ts';
import { ALICE, CLIENT_TOKENS } from '../../worker/support/clients.ts';
import type { ServiceOptions } from '../../worker/support/service.ts';
import { serveWidget } from './turnstile-widget.ts';

export interface Protection {
  options: ServiceOptions;
  /** What a client without a browser does for a submit. */
  access: (sim: Sim) => { token?: string; challenge?: () => Promise<string> };
  /** Prepares the browser of an authorized user. */
  prepare: (context: BrowserContext, sim: Sim) => Promise<unknown>;
}

export const SITE_KEY = '0x4AAA-page_key';

export const OPEN: Protection = { options: {}, access: () => ({}), prepare: async () => {} };

const TOKENS: Protection = {
  options: { secrets: { CLIENT_TOKENS } },
  access: () => ({ token: ALICE }),
  prepare: (context) =>
    context.addInitScript((token) => {
      if (location.protocol === 'http:') localStorage.setItem('token', JSON.stringify(token));
    }, ALICE),
};

export const TURNSTILE: Protection = {
  options: { vars: { TURNSTILE_SITE_KEY: SITE_KEY }, secrets: { TURNSTILE_SECRET } },
  access: (sim) => ({ challenge: async () => sim.solve({ hostname: '127.0.0.1' }) }),
  prepare: serveWidget,
};

/** The limits are higher than any test needs, but finite. */
const LIMITS = { SUBMIT_PER_MINUTE: '60', VISITS_PER_MINUTE: '3000' };
const ORIGINS = { ALLOWED_ORIGINS: 'https://app.example' };
const BUDGET = { DAILY_BUDGET_USD: '30' };

function beside(protection: Protection, vars: Record<string, string>): Protection {
  const { options } = protection;
  return { ...protection, options: { ...options, vars: { ...options.vars, ...vars } } };
}

/** No protection, and each one alone. */
export const EACH: [string, Protection][] = [
  ['nothing', OPEN],
  ['client tokens', TOKENS],
  ['Turnstile', TURNSTILE],
  ['rate limits', beside(OPEN, LIMITS)],
  ['origins', beside(OPEN, ORIGINS)],
  ['a budget', beside(OPEN, BUDGET)],
];

/** No protection, and all that can be used together. */
export const TOGETHER: [string, Protection][] = [
  ['nothing', OPEN],
  ['client tokens, limits, origins and a budget', beside(TOKENS, { ...LIMITS, ...ORIGINS, ...BUDGET })],
  ['Turnstile, limits, origins and a budget', beside(TURNSTILE, { ...LIMITS, ...ORIGINS, ...BUDGET })],
];
