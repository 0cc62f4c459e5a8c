// `make probe`: what only the owner of a Wiro key can find out, without making a video. With RUN=1 it makes the cheapest one.
import { probe } from './probe/probe.ts';
import { readSettings } from './probe/settings.ts';
import { reasonOf } from './shared/reason.ts';

try {
  process.exitCode = await probe(readSettings(), console.log);
} catch (error) {
  console.error(`make probe failed: ${reasonOf(error)}`);
  process.exitCode = 1;
}
