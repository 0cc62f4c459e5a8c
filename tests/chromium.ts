// The browser that some tests need, from the system; they are skipped where it is not installed.

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
