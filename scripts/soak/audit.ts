// The audit: no job is lost, repeated or stuck, each end is allowed by the job's faults, and API, KV, R2 and stand-in
// agree.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Video } from '../shared/video-client.ts';
import { hasEnded } from './client.ts';
import type { Case, Evidence } from './evidence.ts';
import { UNLISTED } from './faults.ts';

export interface Problem {
  kind: string;
  text: string;
}

/** The checks of a job. Each returns an error, or nothing. */
const CHECKS: Record<string, (found: Case) => string | undefined> = {
  lost,
  'run twice': runTwice,
  stuck,
  'ended wrongly': endedWrongly,
  'told wrongly': toldWrongly,
  'pictures lost': lostPicture,
  'wrong picture': wrongPicture,
  'wrong in R2': wrongInR2,
  'wrong in KV': wrongInKv,
};

export const KINDS = [...Object.keys(CHECKS), 'other'];

/** The error code that the client of a refused job got, by the failure of its video. */
const REFUSALS: Record<string, string> = {
  upstream_rejected: 'invalid_parameter',
  upstream_unavailable: 'upstream_unavailable',
};

export function audit({ cases, recordIds, fileIds, refusals, panics }: Evidence): Problem[] {
  const known = new Set(cases.flatMap(({ ids }) => ids));
  const strange = (ids: string[]) => ids.filter((id) => !known.has(id)).map((id) => `${id} is of no job`);
  const others = [
    ...refusals.map((refusal) => `the stand-in refused ${refusal}`),
    ...panics.map((line) => `the Worker panicked: ${line}`),
    ...(cases.some(({ interrupted }) => interrupted) ? [] : ['no job was under way at the kill']),
  ];
  return [
    ...cases.flatMap(judge),
    ...strange(recordIds).map((text) => ({ kind: 'wrong in KV', text })),
    ...strange(fileIds).map((text) => ({ kind: 'wrong in R2', text })),
    ...others.map((text) => ({ kind: 'other', text })),
  ];
}

/** How a video ended. */
export function endingOf({ status, error }: Video): string {
  return error?.code ?? status;
}

/**
 * Whether the kill took a Run with it that had not arrived, or the answer to one that had started nothing: then nobody
 * can know, and there is nothing to be found.
 */
export function wasCutOff(found: Case): boolean {
  return found.tasks.length === 0 && isLeftUnknown(found);
}

/** Whether the kill lost both the answer to Run and the callback, the only sources of the task's id. */
function wasLeftAlone(found: Case): boolean {
  return found.job.faults.includes(UNLISTED) && isLeftUnknown(found);
}

function isLeftUnknown({ job, interrupted, video }: Case): boolean {
  const isUnknown = video !== undefined && endingOf(video) === 'submission_unknown';
  return interrupted && isUnknown && job.ending !== 'submission_unknown';
}

function judge(found: Case): Problem[] {
  const { job, ids, interrupted } = found;
  const about = [...ids, ...job.faults, ...(interrupted ? ['killed'] : [])].join(', ');
  return Object.entries(CHECKS).flatMap(([kind, check]) => {
    const text = check(found);
    return text === undefined ? [] : [{ kind, text: `job ${job.index} (${about}) ${text}` }];
  });
}

function lost({ video }: Case): string | undefined {
  return video ? undefined : 'is not to be found';
}

function runTwice({ ids, tasks }: Case): string | undefined {
  if (ids.length <= 1 && tasks.length <= 1) return undefined;
  return `became ${ids.length} videos and ${tasks.length} tasks`;
}

function stuck({ outcome, video }: Case): string | undefined {
  if ('stuckAt' in outcome) return `was at ${outcome.stuckAt} when its client lost patience`;
  return video && !hasEnded(video) ? `is at ${video.stage}` : undefined;
}

function endedWrongly(found: Case): string | undefined {
  const { job, video } = found;
  if (!video || !hasEnded(video) || endingOf(video) === job.ending) return undefined;
  if (wasCutOff(found) || wasLeftAlone(found)) return undefined;
  return `ended as ${endingOf(video)}, not ${job.ending}`;
}

function toldWrongly({ outcome, video }: Case): string | undefined {
  if ('wrong' in outcome) return `was not seen to its end: ${outcome.wrong}`;
  if ('refusedWith' in outcome) {
    const ending = video ? endingOf(video) : 'nothing';
    if (REFUSALS[ending] === outcome.refusedWith) return undefined;
    return `was refused with ${outcome.refusedWith}, and ended as ${ending}`;
  }
  if ('stuckAt' in outcome || isDeepStrictEqual(outcome.video, video)) return undefined;
  return `was shown to its client as ${JSON.stringify(outcome.video)}, and now is ${JSON.stringify(video)}`;
}

function lostPicture({ job: { picture }, tasks }: Case): string | undefined {
  const isLost = picture !== undefined && tasks.some((task) => task.picture === undefined);
  return isLost ? 'came with a picture, of which Wiro understood nothing' : undefined;
}

function wrongPicture({ job, tasks }: Case): string | undefined {
  const sent = job.picture instanceof Uint8Array ? sha256Of(job.picture) : job.picture;
  const isRight = tasks.every(({ picture }) => picture === undefined || picture === sent);
  return isRight ? undefined : 'was not made from the picture that came with it';
}

function sha256Of(picture: Uint8Array): string {
  return createHash('sha256').update(picture).digest('hex');
}

function wrongInR2({ tasks, video, file }: Case): string | undefined {
  const isCompleted = video?.status === 'completed';
  const published = isCompleted ? tasks[0]?.output : undefined;
  const promised = video?.output ? { size: video.output.size, sha256: video.output.sha256 } : undefined;
  const isThere = isCompleted === (file !== undefined);
  if (isThere && isDeepStrictEqual(file, published) && isDeepStrictEqual(file, promised)) return undefined;
  return `has in R2 ${tell(file)}, promised ${tell(promised)}, made ${tell(published)}`;
}

/** Members of a Video that are derived from others. */
const COMPUTED = new Set(['urls', 'prompt', 'seconds', 'size', 'remixed_from_video_id']);

/** Empty metadata is not stored. */
function isStored(name: string, value: unknown): boolean {
  return !COMPUTED.has(name) && !(name === 'metadata' && isDeepStrictEqual(value, {}));
}

function wrongInKv({ video, stored }: Case): string | undefined {
  if (!video) return undefined;
  const shown = Object.fromEntries(Object.entries(video).filter(([name, value]) => isStored(name, value)));
  const { version: _, ...record } = stored?.record ?? {};
  const metadata = { status: video.status, created_at: video.created_at };
  if (isDeepStrictEqual(record, shown) && isDeepStrictEqual(stored?.metadata, metadata)) return undefined;
  return `has in KV ${JSON.stringify(stored)}, and is ${JSON.stringify(shown)}`;
}

function tell(file: { size: number; sha256: string } | undefined): string {
  return file ? `${file.size} bytes of ${file.sha256.slice(0, 8)}…` : 'nothing';
}
