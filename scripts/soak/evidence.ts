// Everything known about each job afterwards: from its client, the stand-in, the API, KV and R2.
import type { Sim, SimTask } from '../../sim/index.ts';
import type { Bindings } from '../shared/local-storage.ts';
import type { Video } from '../shared/video-client.ts';
import type { DevProcess } from '../shared/worker-process.ts';
import type { Outcome } from './client.ts';
import { inParallel } from './parallel.ts';
import type { Job } from './plan.ts';
import { type File, fileIds, recordIds, type Stored, storedFile, storedRecord } from './storage.ts';

const READERS = 8;

export interface Case {
  job: Job;
  outcome: Outcome;
  /** Whether it was unfinished when the Worker was killed. */
  interrupted: boolean;
  /** The ids of its videos, from its client and from its Runs: one, if all is correct. */
  ids: string[];
  /** The stand-in's tasks for these: their image (a SHA-256 or a URL) and their output. */
  tasks: { picture: string | undefined; output: File | undefined }[];
  /** The Video in the API. */
  video: Video | undefined;
  stored: Stored | undefined;
  file: File | undefined;
}

export interface Evidence {
  cases: Case[];
  /** The ids in the keys of KV and of R2. */
  recordIds: string[];
  fileIds: string[];
  /** The calls that the stand-in refused as errors of the client. */
  refusals: string[];
  /** Lines of the Worker's log. */
  panics: string[];
}

/** Collects the evidence of a run. */
export interface Remains {
  outcomes: [Job, Outcome][];
  interrupted: Set<Job>;
  worker: DevProcess;
  sim: Sim;
  bindings: Bindings;
}

export async function gather({ outcomes, interrupted, worker, sim, bindings }: Remains): Promise<Evidence> {
  const runs = Map.groupBy(sim.callsTo('/Run/'), ({ fields }) => fields?.prompt);
  const tasks = Map.groupBy(sim.tasks, ({ callbackUrl }) => idIn(callbackUrl));
  const cases = await inParallel(outcomes, READERS, async ([job, outcome]): Promise<Case> => {
    const named = (runs.get(job.prompt) ?? []).map(({ fields }) => idIn(fields?.callbackUrl));
    if ('video' in outcome) named.push(outcome.video.id);
    const ids = [...new Set(named)];
    const [id] = ids;
    return {
      ...{ job, outcome, ids, interrupted: interrupted.has(job) },
      tasks: await Promise.all(ids.flatMap((id) => tasks.get(id) ?? []).map(made)),
      video: id === undefined ? undefined : await shown(worker.origin, id),
      stored: id === undefined ? undefined : await storedRecord(bindings, id),
      file: id === undefined ? undefined : await storedFile(bindings, id),
    };
  });
  return {
    cases,
    recordIds: await recordIds(bindings),
    fileIds: await fileIds(bindings),
    refusals: sim.rejections().map(({ path, refused }) => `${path}: ${refused}`),
    panics: worker.logs.filter((line) => /panicked|RuntimeError/.test(line)),
  };
}

/** From `/hooks/wiro/{id}/{proof}`, because a refused submit does not return the id of its video. */
function idIn(callbackUrl = ''): string {
  return URL.parse(callbackUrl)?.pathname.split('/')[3] ?? '';
}

async function made({ pictures: { first }, outputs: [output] }: SimTask): Promise<Case['tasks'][number]> {
  const file = output && { size: output.size, sha256: await output.sha256() };
  // The values that Wiro used, not the values that were sent.
  const picture = first && ('file' in first ? first.file.sha256 : first.url);
  return { picture, output: file };
}

async function shown(origin: string, id: string): Promise<Video | undefined> {
  const response = await fetch(`${origin}/v1/videos/${id}`);
  return response.status === 200 ? ((await response.json()) as Video) : undefined;
}
