// Finds the system's Chromium for the tests that need it; they are skipped without it.
import { existsSync } from 'node:fs';

/** Chromium without windows: it opens a page in a third of the CPU time. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell';

export const CHROMIUM = existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : '/usr/bin/chromium';

/** Options that prevent the browser's own requests. */
export const OFFLINE = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
