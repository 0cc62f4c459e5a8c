// Deleted videos that are not removed yet, in the list of their client.
import { expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { startService } from '../support/service.ts';
import type { List } from '../support/types.ts';

test('videos that are being removed do not shorten a page', async () => {
  const service = await startService({ secrets: { CLIENT_TOKENS } });
  const alice = service.as(ALICE);
  // Until Wiro confirms that the job has stopped, the video is not removed.
  const hang = Array(20).fill({ kind: 'hang' });
  service.sim.script('that lingers', { holdAt: 'task_start', cancel: hang, kill: hang });
  const ids: string[] = [];
  for (const prompt of ['first', 'second that lingers', 'third', 'fourth that lingers']) {
    ids.push((await alice.accepted({ prompt: `a video, the ${prompt}` })).id);
  }
  const [first, second, third, fourth] = ids;
  for (const id of [second, fourth]) {
    expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
  }
  const listed = async (query: string) => {
    const { data, first_id, last_id, has_more } = (await (
      await alice.fetch(`/v1/videos?${query}`)
    ).json()) as List;
    expect([first_id, last_id]).toEqual([data[0]?.id, data.at(-1)?.id]);
    return { ids: data.map(({ id }) => id), has_more };
  };
  expect(await listed('limit=1')).toEqual({ ids: [third], has_more: true });
  expect(await listed(`limit=1&after=${third}`)).toEqual({ ids: [first], has_more: false });
  expect(await listed('limit=2')).toEqual({ ids: [third, first], has_more: false });
  expect(await listed('limit=2&order=asc')).toMatchObject({ ids: [first, third] });
  expect(await listed('')).toEqual({ ids: [third, first], has_more: false });
  await service.close();
});
