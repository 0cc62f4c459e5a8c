// The copy of the finished video into R2: faults of the CDN are retried, and only the complete file becomes the video.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CdnFault, generatedDigest, type SimTask } from '../../../sim/index.ts';
import { withoutSize } from '../support/output-rows.ts';
import { sampleSha256, storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { storedVideo } from '../support/stored.ts';
import { callsAbout } from '../support/upstream-calls.ts';

const MIB = 2 ** 20;

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
});
afterAll(() => service.close());

function fetches(task: SimTask): string[] {
  return callsAbout(service.sim, task, '/cdn/').map(({ path }) => path);
}

describe('a failed copy', () => {
  const faults: [string, CdnFault][] = [
    ['404', { kind: 'status', status: 404 }],
    ['403', { kind: 'status', status: 403 }],
    ['500', { kind: 'status', status: 500 }],
    ['503 with Retry-After', { kind: 'status', status: 503, retryAfter: 1 }],
    ['204', { kind: 'status', status: 204 }],
    ['206', { kind: 'status', status: 206 }],
    ['a shorter file', { kind: 'short' }],
    ['a longer file', { kind: 'long' }],
    ['a web page of the right size', { kind: 'html' }],
  ];

  test.concurrent.each(faults)('by %s is retried until it is complete', async (name, fault) => {
    const prompt = `a boat hit by ${name}.`;
    service.sim.script(prompt, { cdn: [fault, fault, fault] });
    const { id } = await service.accepted({ prompt });
    const video = await service.ended(id);
    expect(video).toMatchObject({ status: 'completed', output: { sha256: sampleSha256 } });
    expect(await storedVideo(service, id)).toEqual(storedSample);
    expect(fetches(await service.sim.waitForTask(prompt))).toHaveLength(4);
  });

  test('by several faults in a row stays in stage storing, without a stored file, until it is complete', async () => {
    const cdn: CdnFault[] = Array.from({ length: 12 }, (_, index) =>
      index % 2 ? { kind: 'short' } : { kind: 'html' },
    );
    service.sim.script('leaking', { cdn });
    const { id } = await service.accepted({ prompt: 'a leaking boat' });
    const storing = await service.until(id, ({ stage }) => stage === 'storing');
    expect(storing).toMatchObject({ status: 'in_progress', output: null, completed_at: null });
    expect(await storedVideo(service, id)).toBeUndefined();
    expect((await service.fetch(`/v1/videos/${id}/content`)).status).toBe(409);
    expect((await service.ended(id)).status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
  });
});

describe('a successful copy', () => {
  const sources = [
    ['with a length, its size unknown to Detail', [], { task: withoutSize }],
    ['without a length, its size known to Detail', [{ kind: 'no-length' }], {}],
    ['without a length, its size unknown', [{ kind: 'no-length' }], { task: withoutSize }],
  ] as const;

  test.concurrent.each(sources)('copies a file %s', async (name, cdn, { ...faults }) => {
    const prompt = `a boat ${name}.`;
    service.sim.script(prompt, { ...faults, cdn: [...cdn] });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({
      status: 'completed',
      output: { size: storedSample.size, sha256: sampleSha256 },
    });
    expect(await storedVideo(service, id)).toEqual(storedSample);
    expect(fetches(await service.sim.waitForTask(prompt))).toHaveLength(1);
  });

  test.each([
    ['one byte less than a part', 5 * MIB - 1],
    ['exactly one part', 5 * MIB],
    ['one byte more', 5 * MIB + 1],
    ['exactly two parts', 10 * MIB],
    ['three parts', 12 * MIB],
  ])('copies a large file of unknown size: %s', async (name, bytes) => {
    const prompt = `a large boat: ${name}.`;
    service.sim.script(prompt, { output: { bytes }, cdn: [{ kind: 'no-length' }], task: withoutSize });
    const { id } = await service.accepted({ prompt });
    const sha256 = await generatedDigest(bytes);
    const video = await service.ended(id);
    expect(video).toMatchObject({ status: 'completed', output: { size: bytes, sha256 } });
    expect(await storedVideo(service, id)).toEqual({ size: bytes, sha256, contentType: 'video/mp4' });
    const content = await service.fetch(`/v1/videos/${id}/content`, { headers: { range: 'bytes=-1000' } });
    expect([content.status, content.headers.get('etag')]).toEqual([206, video.output?.etag]);
    expect((await content.arrayBuffer()).byteLength).toBe(1000);
    expect(fetches(await service.sim.waitForTask(prompt))).toHaveLength(1);
  });
});
