// The jobs of a soak, all generated from the seed in advance.
import type { Faults } from '../../sim/index.ts';
import { gradientPng } from '../shared/gradient.ts';
import { type Ending, type Fault, STAGES } from './faults.ts';
import { Random } from './random.ts';

/** One in this many jobs has a fault, and one in this many of those has two. */
const FAULTED_ONE_IN = 3;
/** One in this many jobs has an image, and one in this many of those as a URL. */
const PICTURED_ONE_IN = 5;
const LINKED_ONE_IN = 3;
/** One in this many jobs is submitted twice at once. */
const TWICE_ONE_IN = 10;
const SMALLEST_VIDEO_BYTES = 20_000;

export interface Job {
  index: number;
  prompt: string;
  idempotencyKey: string;
  isSentTwice: boolean;
  /** A file, or a link to one. */
  picture?: Buffer<ArrayBuffer> | string;
  /** The names of its faults, and the scripts for the stand-in. */
  faults: string[];
  scripts: Faults[];
  /** The allowed ends. */
  ending: Ending;
}

export function plan(count: number, seed: number): Job[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => {
    const faults = random.oneIn(FAULTED_ONE_IN) ? drawFaults(random) : [];
    return {
      index,
      // No prompt contains another.
      prompt: `Take ${index} of a paper boat`,
      idempotencyKey: `soak-${seed}-${index}`,
      isSentTwice: random.oneIn(TWICE_ONE_IN),
      ...(random.oneIn(PICTURED_ONE_IN) && { picture: drawPicture(random, index) }),
      faults: faults.map(({ name }) => name),
      // All videos have different sizes, so no two are equal.
      scripts: [
        { output: { bytes: SMALLEST_VIDEO_BYTES + 100 * index } },
        ...faults.map(({ script }) => script(random)),
      ],
      ending: faults.find(({ ending }) => ending !== 'completed')?.ending ?? 'completed',
    };
  });
}

/** One fault, or two of different stages, in the order of the stages. */
function drawFaults(random: Random): Fault[] {
  const stages = new Set([random.pick(STAGES)]);
  if (random.oneIn(FAULTED_ONE_IN)) stages.add(random.pick(STAGES));
  return STAGES.filter((stage) => stages.has(stage)).map((stage) => random.pick(stage));
}

function drawPicture(random: Random, index: number): Buffer<ArrayBuffer> | string {
  if (random.oneIn(LINKED_ONE_IN)) return `https://pictures.example.com/${index}.png`;
  return gradientPng(32 + random.below(64), 32 + random.below(64));
}
