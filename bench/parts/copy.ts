// The copy of a finished video from Wiro's CDN into R2: from the request at the CDN to the completed Video.
import { type Both, both, compared, interleaved, withPair } from '../pair.ts';
import { forgetPeak, memoryOf, processorTime } from '../process-time.ts';
import { progress } from '../report/progress.ts';
import { type Cell, table } from '../report/table.ts';
import { completed, submit } from '../scene.ts';
import type { Subject } from '../subject.ts';
import { Upstream } from '../upstream.ts';

const MIB = 1024 * 1024;
/** An even number of rounds, so that each service comes first equally often. */
const SIZES = [
  { mib: 1, rounds: 41 },
  { mib: 64, rounds: 8 },
  { mib: 512, rounds: 2 },
];
const SPEED = 600;
/** Copies of 1 MiB, until the engine has compiled the hot functions. */
const WARM_UP_COPIES = 20;

interface Copy {
  mibPerSecond: number;
  processorMsPerMib: number;
  /** Of workerd, above what it had before. */
  peakMib: number;
  wasmMib: number;
}

export async function copies(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    return await withPair(upstream, {}, async (pair) => {
      for (let copy = 0; copy < WARM_UP_COPIES; copy++)
        await both((kind) => measure(pair, kind, upstream, 1));
      const rows: Cell[][] = [];
      for (const { mib, rounds } of SIZES) {
        progress(`copy of ${mib} MiB`);
        const all = await interleaved(rounds, (kind) => measure(pair, kind, upstream, mib));
        const [peak, peakJavascript] = compared(all, ({ peakMib }) => peakMib);
        rows.push([
          ...[`${mib} MiB`, rounds],
          ...compared(all, ({ mibPerSecond }) => mibPerSecond),
          ...compared(all, ({ processorMsPerMib }) => processorMsPerMib),
          ...[peak, peakJavascript, all.rust.at(-1)?.wasmMib.toFixed(2) ?? ''],
        ]);
      }
      return table(HEADER, rows);
    });
  } finally {
    await upstream.stop();
  }
}

const HEADER = [
  ...['size', 'rounds', 'MiB/s Rust', 'JS', 'ratio', 'CPU ms/MiB Rust', 'JS', 'ratio'],
  ...['peak MiB more, Rust', 'JS', 'wasm MiB'],
];

async function measure(
  pair: Both<Subject>,
  kind: keyof Both<Subject>,
  upstream: Upstream,
  mib: number,
): Promise<Copy> {
  const subject = pair[kind];
  const prompt = `copy ${mib} MiB`;
  await upstream.script(prompt, { output: { bytes: mib * MIB } });
  forgetPeak(subject.pid);
  const before = { time: processorTime(subject.pid), memory: memoryOf(subject.pid).resident };
  await completed(subject, await submit(subject, prompt));
  const ended = Date.now();
  const began = (await upstream.calls('/cdn/')).at(-1)?.at ?? Number.NaN;
  return {
    mibPerSecond: mib / ((ended - began) / 1000),
    processorMsPerMib: (processorTime(subject.pid) - before.time) / mib,
    peakMib: (memoryOf(subject.pid).peak - before.memory) / MIB,
    wasmMib: (await subject.wasmMemory()) / MIB,
  };
}
