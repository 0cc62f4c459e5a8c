// `make bench`: the Worker in Rust beside the reference in JavaScript. All parts go into RESULTS.md; PARTS='routes copy'
// chooses some of them. ROUTES='status hook' tries these routes alone, quickly, and keeps nothing.
import { reasonOf } from '../scripts/reason.ts';
import { routes } from './parts/routes.ts';
import { progress } from './progress.ts';
import { writeSection } from './results.ts';

interface Part {
  title: string;
  measure: () => Promise<string>;
}

const PARTS: Record<string, Part> = {
  routes: {
    title: 'Routes',
    measure: () => routes({ connections: [1, 16, 64], rounds: 5, roundMs: 800 }),
  },
};

const words = (name: string) => process.env[name]?.split(/[\s,]+/).filter(Boolean) ?? [];

try {
  const keys = words('ROUTES');
  if (keys.length > 0) {
    const connections = words('CONNECTIONS').map(Number);
    const quick = { connections: connections.length > 0 ? connections : [16], rounds: 7, roundMs: 1000 };
    console.log(await routes({ keys, ...quick }));
  } else {
    await measureParts(words('PARTS'));
  }
} catch (error) {
  console.error(`make bench failed: ${reasonOf(error)}`);
  process.exitCode = 1;
}

async function measureParts(chosen: string[]): Promise<void> {
  const names = chosen.length > 0 ? chosen : Object.keys(PARTS);
  const order = Object.values(PARTS).map(({ title }) => title);
  for (const name of names) {
    const part = PARTS[name];
    if (!part) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(', ')}`);
    progress(part.title);
    const text = await part.measure();
    console.log(`\n## ${part.title}\n\n${text}`);
    writeSection({ title: part.title, text }, order);
  }
}
