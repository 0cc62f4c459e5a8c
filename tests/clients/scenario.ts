// The operations that every foreign client carries out, and the report that it has to give of them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { picture } from '../worker/support/requests/pictures.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sampleBytes, sampleSha256 } from '../worker/support/sample.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { sha256 } from '../worker/support/stored.ts';
import { type LossyProxy, startLossyProxy } from './lossy-proxy.ts';

const FRAME = picture('image/png', 5000);
const LINK = 'https://pictures.example.com/heron.png';
const TOKEN_WITHOUT_BUDGET = 'no-budget-token-41b7d9e20c6f';

/** The server that a client uses, and what it sends. */
export interface Target {
  /** Ends with /v1. */
  base: string;
  /** The same through a proxy that loses the answer to the first submit. */
  lossyBase: string;
  token: string;
  /** Of a client whose `daily_usd` pays for no video. */
  tokenWithoutBudget: string;
  prompt: string;
  /** The path of a PNG file. */
  image: string;
  link: string;
}

/** [status, code, first bad field]. */
export type SeenError = [number, string, string | null];

/** What a client reports, as JSON. */
export interface Report {
  /** The final status of the videos from text, file and link: `PROMPT`, `PROMPT, from a file`, `PROMPT, from a link`. */
  statuses: string[];
  /** Of the last event of the first video. */
  lastEvent: { status: string; prompt: string };
  /** SHA-256 of the first video's content. */
  sha256: string;
  /** The bytes 100 to 199 of it, as hex digits. */
  part: string;
  /** All ids, read in pages of two. */
  listed: string[];
  /** The ids in the order in which they were made. */
  made: string[];
  /** What the last one's deletion says, and then reading it. */
  deleted: [boolean, number];
  /** `field`: `seconds` is 7. `token`: an unknown one. `budget`: with `tokenWithoutBudget`. `model`: an unknown one. */
  errors: Record<'field' | 'token' | 'budget' | 'model', SeenError>;
  /** The submit of `PROMPT, lost` by `lossyBase` was answered with a Video in the end. */
  recoveredLostAnswer: boolean;
}

export interface Scene {
  service: Service;
  proxy: LossyProxy;
  folder: string;
  targetOf(name: string, prompt: string): Target;
  close(): Promise<void>;
}

/** A service with a client of its own for each name. */
export async function startScene(...names: string[]): Promise<Scene> {
  const tokenOf = (name: string) => `${name}-token-5f0c2a97`;
  const clients = Object.fromEntries(names.map((name) => [name, tokenOf(name)]));
  const withoutBudget = { token: TOKEN_WITHOUT_BUDGET, daily_usd: '0.01' };
  const service = await startService({
    sim: { speed: 600 },
    secrets: { CLIENT_TOKENS: JSON.stringify({ ...clients, withoutBudget }) },
  });
  const proxy = await startLossyProxy(service.origin);
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-clients-'));
  const image = join(folder, 'frame.png');
  await writeFile(image, FRAME);
  return {
    service,
    proxy,
    folder,
    targetOf: (name, prompt) => ({
      base: `${service.origin}/v1`,
      lossyBase: `${proxy.origin}/v1`,
      token: tokenOf(name),
      tokenWithoutBudget: TOKEN_WITHOUT_BUDGET,
      prompt,
      image,
      link: LINK,
    }),
    close: async () => {
      await proxy.close();
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a client does not have. */
type Lack = 'lastEvent' | 'deleted';

/** The report is complete and right, and each video was paid for once. */
export function expectScenario(
  { service }: Scene,
  { prompt }: Target,
  report: Partial<Report>,
  ...lacks: Lack[]
): void {
  const { made = [], ...rest } = report;
  expect(made).toHaveLength(3);
  const expected: Omit<Report, 'made'> = {
    statuses: ['completed', 'completed', 'completed'],
    lastEvent: { status: 'completed', prompt },
    sha256: sampleSha256,
    part: sampleBytes.subarray(100, 200).toString('hex'),
    listed: made.toReversed(),
    deleted: [true, 404],
    errors: {
      field: [400, 'invalid_parameter', 'seconds'],
      token: [401, 'unauthorized', null],
      budget: [429, 'budget_exhausted', null],
      model: [400, 'model_not_found', 'model'],
    },
    recoveredLostAnswer: true,
  };
  expect(rest).toEqual(
    Object.fromEntries(Object.entries(expected).filter(([name]) => !(lacks as string[]).includes(name))),
  );
  expect(onlyRun(service.sim, prompt).fields).toMatchObject({ prompt, resolution: '1080P' });
  expect(onlyRun(service.sim, `${prompt}, from a file`).file?.sha256).toBe(sha256(FRAME));
  expect(onlyRun(service.sim, `${prompt}, from a link`).fields).toMatchObject({ inputImageFirstUrl: LINK });
  // The answer to the first submit was lost, and the client's own retry got the same video.
  onlyRun(service.sim, `${prompt}, lost`);
}
