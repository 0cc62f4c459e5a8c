// Helpers for queued jobs and their order.
import type { SimTask } from '../../../sim/index.ts';
import type { Job } from '../support/job.ts';
import { imageSha256, submitWithImage } from '../support/requests/image-submit.ts';
import type { Service } from '../support/service.ts';
import type { Video } from '../support/types.ts';

/** Submits so many jobs one after another, the last of them with an image. */
export async function submittedInLine(service: Service, count: number): Promise<Job[]> {
  const jobs: Job[] = [];
  while (jobs.length < count - 1) {
    const prompt = `Boat ${jobs.length} in line.`;
    const { id } = await service.accepted({ prompt });
    jobs.push({ id, prompt });
  }
  const prompt = 'A painted boat, the last in line.';
  const { id } = (await (await submitWithImage(service, prompt)).json()) as Video;
  return [...jobs, { id, prompt, imageSha256 }];
}

export async function positions(service: Service, jobs: Job[]): Promise<(number | null)[]> {
  const videos = await Promise.all(jobs.map(({ id }) => service.video(id)));
  return videos.map(({ queue_position }) => queue_position);
}

/** The most tasks that were unfinished at the same time. */
export function mostAtOnce(tasks: SimTask[]): number {
  const spans = tasks.map(({ history }) => ({ from: history.at(0)!.at, to: history.at(-1)!.at }));
  const at = (time: number) => spans.filter(({ from, to }) => from <= time && time < to).length;
  return Math.max(...spans.map(({ from }) => at(from)));
}
