// A job with faults, and the checks for its end: the video is complete and was paid once.
import { expect } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { onlyRun } from './runs.ts';
import { storedSample } from './sample.ts';
import type { Service } from './service.ts';
import { publishedRecord, storedVideo } from './stored.ts';

export interface Job {
  id: string;
  prompt: string;
  /** Of its uploaded image, if there is one. */
  imageSha256?: string;
}

/** Of the video that a task is made for, for those whom no answer to their submit tells it. */
export function idOf({ callbackUrl }: SimTask): string {
  const [, , , id = ''] = new URL(callbackUrl).pathname.split('/'); // /hooks/wiro/{id}/{proof}
  return id;
}

export async function expectMadeOnce(service: Service, job: Job, withinMs?: number): Promise<void> {
  const { id, prompt, imageSha256 } = job;
  const { contentType: content_type, ...content } = storedSample;
  expect(await service.ended(id, withinMs)).toMatchObject({
    ...{ status: 'completed', stage: 'done', progress: 100, cost_usd: '0.28', error: null },
    output: { content_type, ...content },
  });
  expect(await storedVideo(service, id)).toEqual(storedSample);
  expect((await publishedRecord(service, id, 'completed')).metadata?.status).toBe('completed');
  expect(onlyRun(service.sim, prompt).file?.sha256).toBe(imageSha256);
  expect(service.sim.tasks.filter((task) => task.prompt === prompt)).toHaveLength(1);
}
