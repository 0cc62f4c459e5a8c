// The audit of a soak finds each error, and none in a correct job.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Video } from '../../scripts/shared/video-client.ts';
import { audit } from '../../scripts/soak/audit.ts';
import type { Case, Evidence } from '../../scripts/soak/evidence.ts';
import { UNLISTED } from '../../scripts/soak/faults.ts';
import type { Job } from '../../scripts/soak/plan.ts';

const FILE = { size: 3, sha256: 'ab' };
const OTHER_FILE = { size: 3, sha256: 'cd' };
const ID = 'vid_a';

function video(changes: Partial<Video> = {}): Video {
  return {
    ...{ id: ID, status: 'completed', stage: 'done', progress: 100, cost_usd: '0.28', error: null },
    ...{ output: { content_type: 'video/mp4', etag: '"e"', ...FILE }, created_at: 1 },
    urls: { self: 'https://worker.example/v1/videos/vid_a', content: '' },
    ...changes,
  };
}

function failed(code: string): Video {
  return video({ status: 'failed', output: null, error: { code, message: '' } });
}

function job(changes: Partial<Job> = {}): Job {
  return {
    ...{ index: 0, prompt: '', idempotencyKey: '', isSentTwice: false },
    ...{ faults: [], scripts: [], ending: 'completed' },
    ...changes,
  };
}

/** The data of a video in every place, and the remaining data. */
function found(seen: Video, changes: Partial<Case> = {}): Case {
  const { urls: _, ...record } = { version: 1, ...seen };
  return {
    ...{ job: job(), outcome: { video: seen }, interrupted: true, ids: [ID], video: seen },
    tasks: [{ picture: undefined, output: FILE }],
    stored: { record, metadata: { status: seen.status, created_at: 1 } },
    file: seen.status === 'completed' ? FILE : undefined,
    ...changes,
  };
}

function kinds(cases: Case[], changes: Partial<Evidence> = {}): string[] {
  const nothing = { refusals: [], panics: [] };
  const evidence = { cases, recordIds: [ID], fileIds: [ID], ...nothing, ...changes };
  return audit(evidence).map(({ kind }) => kind);
}

test('a completed job is valid', () => {
  expect(kinds([found(video())])).toEqual([]);
});

test('a job that failed as its fault requires is valid', () => {
  const unknown = failed('submission_unknown');
  expect(kinds([found(unknown, { job: job({ ending: 'submission_unknown' }), tasks: [] })])).toEqual([]);
});

test.each<[string, Partial<Case>]>([
  ['lost', { video: undefined, stored: undefined, file: undefined, tasks: [] }],
  ['run twice', { tasks: Array(2).fill({ picture: undefined, output: FILE }) }],
  ['run twice', { ids: [ID, 'vid_b'] }],
  ['stuck', { outcome: { stuckAt: 'task_start' } }],
  ['ended wrongly', { job: job({ ending: 'cancelled' }) }],
  ['told wrongly', { outcome: { wrong: 'it was answered 500' } }],
  ['told wrongly', { outcome: { video: video({ cost_usd: null }) } }],
  ['told wrongly', { outcome: { refusedWith: 'invalid_parameter' } }],
  ['pictures lost', { job: job({ picture: Buffer.from('a') }) }],
  ['pictures lost', { job: job({ picture: 'https://pictures.example.com/a.png' }) }],
  ['wrong picture', { tasks: [{ picture: 'ab', output: FILE }] }],
  ['wrong picture', { job: job({ picture: Buffer.from('a') }), tasks: [{ picture: 'ab', output: FILE }] }],
  ['wrong picture', { job: job({ picture: 'https://a.example' }), tasks: [{ picture: 'ab', output: FILE }] }],
  ['wrong in R2', { file: undefined }],
  ['wrong in R2', { file: OTHER_FILE }],
  ['wrong in R2', { tasks: [{ picture: undefined, output: OTHER_FILE }] }],
  ['wrong in R2', { tasks: [] }],
  ['wrong in KV', { stored: undefined }],
  ['wrong in KV', { stored: { record: {}, metadata: null } }],
])('%s: %o', (kind, changes) => {
  expect(kinds([found(video(), changes)])).toContain(kind);
});

test('an unfinished job is stuck', () => {
  expect(kinds([found(video({ status: 'in_progress', output: null }))])).toContain('stuck');
});

test('a failed job has nothing in R2', () => {
  const refused = failed('upstream_rejected');
  const outcome = { refusedWith: 'invalid_parameter' };
  const changes: Partial<Case> = { job: job({ ending: 'upstream_rejected' }), outcome, tasks: [] };
  expect(kinds([found(refused, changes)])).toEqual([]);
  expect(kinds([found(refused, { ...changes, file: FILE })])).toEqual(['wrong in R2']);
});

test('a Run that a kill interrupted may stay unknown only if it started nothing', () => {
  const unknown = failed('submission_unknown');
  expect(kinds([found(unknown, { tasks: [] })])).toEqual([]);
  expect(kinds([found(unknown)])).toEqual(['ended wrongly']);
  const other = { ...found(video()), ids: ['vid_b'] };
  expect(kinds([found(unknown, { tasks: [], interrupted: false }), other])).toEqual(['ended wrongly']);
});

test('a task that only a missed callback could name may stay unknown', () => {
  const unknown = failed('submission_unknown');
  const unlisted = job({ faults: [UNLISTED] });
  expect(kinds([found(unknown, { job: unlisted })])).toEqual([]);
  const other = { ...found(video()), ids: ['vid_b'] };
  const notKilled = found(unknown, { job: unlisted, interrupted: false });
  expect(kinds([notKilled, other])).toEqual(['ended wrongly']);
});

test('the right image is accepted, as a file and as a URL', () => {
  const file = Buffer.from('a');
  const link = 'https://pictures.example.com/a.png';
  for (const [sent, picture] of [
    [file, createHash('sha256').update(file).digest('hex')],
    [link, link],
  ] as const) {
    const changes = { job: job({ picture: sent }), tasks: [{ picture, output: FILE }] };
    expect(kinds([found(video(), changes)])).toEqual([]);
  }
});

test.each<[string, Partial<Evidence>]>([
  ['wrong in KV', { recordIds: [ID, 'vid_b'] }],
  ['wrong in R2', { fileIds: ['vid_b'] }],
  ['other', { refusals: ['/Run/: no prompt'] }],
  ['other', { panics: ['panicked at src'] }],
])('%s, of no job: %o', (kind, changes) => {
  expect(kinds([found(video())], changes)).toEqual([kind]);
});

test('a kill that interrupted no job proves nothing', () => {
  expect(kinds([found(video(), { interrupted: false })])).toEqual(['other']);
});
