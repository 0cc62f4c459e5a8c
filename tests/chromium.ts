// Finds the system's Chromium for the tests that need it; they are skipped without it.

export const CHROMIUM = '/usr/bin/chromium';

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
