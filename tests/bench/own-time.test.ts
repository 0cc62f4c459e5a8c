// The isolate's own processor time counts what the Worker does, in the right part, and nothing that others do.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Profile } from '../../bench/inspector.ts';
import { fire } from '../../bench/load.ts';
import { ownTime, PARTS, selfTimes } from '../../bench/own-time.ts';
import { KINDS } from '../../bench/pair.ts';
import { processorTime } from '../../bench/process-time.ts';
import { type Route, routeNamed } from '../../bench/routes.ts';
import { direct, Scene } from '../../bench/scene.ts';
import { type Kind, type Subject, startSubject } from '../../bench/subject.ts';
import { Upstream } from '../../bench/upstream.ts';

let upstream: Upstream;
const scenes = new Map<Kind, Scene>();

beforeAll(async () => {
  upstream = await Upstream.start(600);
  await direct(upstream);
  for (const kind of KINDS) {
    scenes.set(kind, new Scene(await startSubject(kind, upstream, { hasInspector: true }), upstream));
  }
});

afterAll(async () => {
  for (const { subject } of scenes.values()) await subject.stop();
  await upstream.stop();
});

test('a sample is worth one period, however long others ran before it, and idle ones are worth nothing', () => {
  const frames = [
    ['(root)', ''],
    ['(idle)', ''],
    ['wasm-function[7]', 'wasm://wasm/0058adbe'],
    ['answer', 'worker.js'],
    ['get', ''],
    ['(program)', ''],
    ['read', 'node-internal:streams'],
    ['(garbage collector)', ''],
  ] as const;
  const profile = made(frames, [
    ...[1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7].map((frame) => [frame, 250] as const),
    // The simulators ran for a second before this one.
    [3, 1_000_000],
  ]);
  expect(ownTime(profile)).toEqual({ wasm: 0.75, script: 0.75, runtime: 0.75, collection: 0.25, total: 2.5 });
  expect(selfTimes(profile).slice(0, 2)).toEqual([
    { name: 'wasm-function[7]', ms: 0.75 },
    { name: 'answer', ms: 0.75 },
  ]);
});

test.each(KINDS)('the parts of %s sum to the whole, which is less than its process took', async (kind) => {
  const { profile, processorMs } = await driven(kind, routeNamed('status'), 200);
  const own = ownTime(profile);
  expect(own.total).toBeGreaterThan(0);
  expect(PARTS.reduce((sum, part) => sum + own[part], 0)).toBeCloseTo(own.total);
  expect(selfTimes(profile).reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(own.total);
  expect(own.total).toBeLessThan(processorMs);
  expect(own.script).toBeGreaterThan(0);
  expect(own.wasm > 0).toBe(kind === 'rust');
});

test('functions of the reference and of its objects are counted, those of the simulators are not', async () => {
  const { profile } = await driven('javascript', routeNamed('inflight'), 200);
  expect(scriptsOf(profile)).toEqual(expect.arrayContaining(['worker.js', 'video-task.js']));
  const simulator = await driven('javascript', routeNamed('status'), 200, 'kv:ns');
  const foreign = scriptsOf(simulator.profile);
  expect(foreign).not.toEqual([]);
  const reading = await driven('javascript', routeNamed('status'), 200);
  expect(scriptsOf(reading.profile).filter((url) => foreign.includes(url))).toEqual([]);
});

/** A profile with these frames and these samples, each with the microseconds since the one before it. */
function made(
  frames: readonly (readonly [string, string])[],
  samples: readonly (readonly [number, number])[],
): Profile {
  return {
    nodes: frames.map(([functionName, url], id) => {
      return { id, callFrame: { functionName, url, lineNumber: 0, columnNumber: 0 } };
    }),
    startTime: 0,
    endTime: samples.reduce((sum, [, delta]) => sum + delta, 0),
    samples: samples.map(([frame]) => frame),
    timeDeltas: samples.map(([, delta]) => delta),
  };
}

/** Sends so many requests while this Worker of the process is profiled. */
async function driven(kind: Kind, route: Route, count: number, worker?: string) {
  const { subject } = scenes.get(kind) as { subject: Subject };
  const shots = await route.shots(scenes.get(kind) as Scene);
  const before = processorTime(subject.pid);
  const profile = await subject.profile(async () => {
    await fire(subject.origin, shots, { connections: 4, count });
  }, worker);
  return { profile, processorMs: processorTime(subject.pid) - before };
}

/** The files whose functions the profile has. */
function scriptsOf({ nodes }: Profile): string[] {
  return [...new Set(nodes.map(({ callFrame }) => callFrame.url).filter((url) => url !== ''))];
}
