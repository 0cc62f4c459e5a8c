// The browser that some tests need, from the system; they are skipped where it is not installed.
import { existsSync } from 'node:fs';

/** Without windows: a page opens in a third of the processor time that it takes in the whole browser. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell';

export const CHROMIUM = existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : '/usr/bin/chromium';

/** It asks nobody on the network for anything of its own. */
export const OFFLINE = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
