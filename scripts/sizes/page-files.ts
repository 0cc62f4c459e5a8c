// The files that a page loads: its links, scripts and images, and what the scripts import.
import { posix } from 'node:path';

/** Links of HTML to files; those of `<a>` are loaded only when somebody follows them. */
const LINKS = /<(?:link|script|img)\b[^>]*?\s(?:href|src)="([^"]+)"/g;
const IMPORTS = /(?:^|\n)(?:import|export)\b[^;]*?from\s*'([^']+)'/g;

/** The page and its files, each once. Links to other hosts are left out. */
export function filesOfPage(page: string, read: (name: string) => string): string[] {
  const found = new Set([page]);
  // A set goes on to entries that are added meanwhile.
  for (const name of found) {
    const pattern = name.endsWith('.html') ? LINKS : name.endsWith('.js') ? IMPORTS : undefined;
    if (!pattern) continue;
    for (const [, link = ''] of read(name).matchAll(pattern)) {
      if (/^[a-z]+:/.test(link)) continue;
      found.add(posix.join('/', link.startsWith('/') ? '' : posix.dirname(name), link).slice(1));
    }
  }
  return [...found];
}
