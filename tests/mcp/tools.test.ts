// The tools: create, wait, play, cancel, list; errors and limits.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FAMILY } from '../../sim/family.ts';
import { ALICE, BOB, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sampleBytes } from '../worker/support/sample.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { runsOf } from '../worker/support/upstream-calls.ts';
import {
  type Agent,
  connect,
  connectSdk,
  linkOf,
  type Progress,
  type Result,
  textOf,
  videoOf,
} from './agents.ts';

let service: Service;
let agent: Agent;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600, models: FAMILY }, secrets: { CLIENT_TOKENS } });
  agent = await connect(service.as(ALICE), '2026-07-28');
});
afterAll(async () => {
  await agent.close();
  await service.close();
});
afterEach(() => service.sim.clearScripts());

function expectRefusal(result: Result, ...parts: string[]): void {
  expect(result).toMatchObject({ isError: true });
  expect(result.structuredContent).toBeUndefined();
  for (const part of parts) expect(textOf(result)).toContain(part);
}

describe('create_video', () => {
  test('returns a link that plays the video without a token', async () => {
    const prompt = 'a heron for an agent';
    const result = await agent.call('create_video', {
      prompt,
      resolution: '768p',
      duration: '6',
      metadata: { order: '17' },
    });
    const video = videoOf(result);
    expect(video).toMatchObject({ status: 'completed', prompt, metadata: { order: '17' } });
    expect(textOf(result)).toContain(`Play it: ${video.urls.content}`);
    const link = linkOf(result);
    expect(link).toMatchObject({ mimeType: 'video/mp4', name: `${video.id}.mp4`, size: sampleBytes.length });
    const answer = await service.fetch(link?.uri ?? '');
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(sampleBytes)).toBe(true);
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({ resolution: '768P', duration: '6' });
  });

  test('returns the id and the next step when the video takes longer', async () => {
    const prompt = 'a heron that takes its time';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const result = await agent.call('create_video', { prompt, wait_seconds: 1 });
    const { id, status } = videoOf(result);
    expect(['queued', 'in_progress']).toContain(status);
    expect(result.isError).toBeUndefined();
    expect(linkOf(result)).toBeUndefined();
    expect(textOf(result)).toContain(`Call wait_for_video with the id ${id}`);
    expect(textOf(result)).toContain('Do not call create_video again');
    const waiting = agent.call('wait_for_video', { id });
    service.sim.release(await service.sim.waitForTask(prompt));
    expect(videoOf(await waiting)).toMatchObject({ id, status: 'completed' });
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
  });

  test('makes one video per idempotency key, and another one without a key', async () => {
    const prompt = 'a heron that was asked for twice';
    const key = randomUUID();
    const first = await agent.call('create_video', { prompt, idempotency_key: key });
    const again = await agent.call('create_video', { prompt, idempotency_key: key });
    expect(videoOf(again).id).toBe(videoOf(first).id);
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
    expectRefusal(
      await agent.call('create_video', { prompt: 'another heron', idempotency_key: key }),
      'idempotency_key_reused',
    );
    const other = await agent.call('create_video', { prompt });
    expect(videoOf(other).id).not.toBe(videoOf(first).id);
    expect(runsOf(service.sim, prompt)).toHaveLength(2);
  });

  test('names every invalid field with its allowed values', async () => {
    const result = await agent.call('create_video', {
      prompt: '',
      duration: 7,
      colour: 'red',
      model: 'hailuo-2.3',
    });
    expectRefusal(
      result,
      'invalid_parameter',
      '- prompt ',
      '- duration must be 6 or 10',
      '- colour is not a field',
    );
    expectRefusal(
      await agent.call('create_video', { prompt: 'a', model: 'veo' }),
      'model',
      'hailuo-2.3-fast',
    );
    expectRefusal(
      await agent.call('create_video', { prompt: 'a', wait_seconds: 99 }),
      'wait_seconds',
      '0 to 45',
    );
    expectRefusal(
      await agent.call('create_video', { prompt: 'a', idempotency_key: 'a\nb' }),
      'visible ASCII',
    );
  });

  test('its schema names callback_url and metadata, and the rules of the API apply to them', async () => {
    const tools = await agent.tools();
    const properties = tools.find(({ name }) => name === 'create_video')?.inputSchema.properties ?? {};
    expect(properties).toMatchObject({ callback_url: { type: 'string' }, metadata: { type: 'object' } });
    const create = (given: object) => agent.call('create_video', { prompt: 'a heron that calls', ...given });
    // This client has no key that could sign for it.
    expectRefusal(
      await create({ callback_url: 'https://app.example/hook' }),
      'callback_url',
      'webhook_secret',
    );
    expectRefusal(await create({ metadata: { note: 'n'.repeat(513) } }), 'metadata');
    expect(runsOf(service.sim, 'a heron that calls')).toHaveLength(0);
  });

  test('a failed video is an error result with the reason', async () => {
    const prompt = 'a heron that falls';
    service.sim.script(prompt, { task: { pexit: '1' } });
    const result = await agent.call('create_video', { prompt });
    expect(result.isError).toBe(true);
    expect(videoOf(result)).toMatchObject({ status: 'failed', error: { code: 'generation_failed' } });
    expect(textOf(result)).toContain('generation_failed');
    const { id } = videoOf(result);
    expect((await agent.call('get_video', { id })).isError).toBeUndefined();
  });
});

describe('progress', () => {
  test.each([
    ['@modelcontextprotocol/client', (client: Service) => connect(client, '2026-07-28')],
    ['@modelcontextprotocol/sdk', (client: Service) => connectSdk(client)],
  ])('reaches %s and only increases', async (name, open) => {
    const prompt = `a heron that is watched by ${name}`;
    service.sim.script(prompt, { holdAt: 'task_start' });
    const watching = await open(service.as(ALICE));
    const told: Progress[] = [];
    const isWorking = Promise.withResolvers<void>();
    const onprogress = (progress: Progress) => {
      told.push(progress);
      if (progress.message?.includes('task_start')) isWorking.resolve();
    };
    const making = watching.call('create_video', { prompt }, { onprogress });
    await isWorking.promise;
    service.sim.release(await service.sim.waitForTask(prompt));
    expect(videoOf(await making)).toMatchObject({ status: 'completed' });
    expect(told.length).toBeGreaterThan(1);
    told.reduce((before, next) => {
      expect(next.progress).toBeGreaterThan(before.progress);
      return next;
    });
    expect(told.every(({ total, message }) => total === 100 && message !== '')).toBe(true);
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
    await watching.close();
  });

  test('the video is made although the client disconnects', async () => {
    const prompt = 'a heron that nobody watches';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const leaving = new AbortController();
    const isWorking = Promise.withResolvers<void>();
    const onprogress = ({ message }: Progress) => {
      if (message?.includes('task_start')) isWorking.resolve();
    };
    const made = agent.call('create_video', { prompt }, { onprogress, signal: leaving.signal });
    await isWorking.promise;
    leaving.abort();
    await expect(made).rejects.toThrow();
    service.sim.release(await service.sim.waitForTask(prompt));
    const list = (await agent.call('list_videos', { limit: 100 })).structuredContent as {
      data: { id: string; prompt: string }[];
    };
    const id = list.data.find((video) => video.prompt === prompt)?.id;
    expect(videoOf(await agent.call('wait_for_video', { id }, { onprogress: () => {} }))).toMatchObject({
      status: 'completed',
    });
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
  });
});

describe('the other tools', () => {
  test('cancel_video stops a video, and reports a finished one', async () => {
    const prompt = 'a heron that is called back';
    service.sim.script(prompt, { holdAt: 'task_queue' });
    const { id } = videoOf(await agent.call('create_video', { prompt, wait_seconds: 0 }));
    const stopped = await agent.call('cancel_video', { id });
    expect(stopped.isError).toBeUndefined();
    const ended = await agent.call('wait_for_video', { id });
    expect(videoOf(ended)).toMatchObject({ id, status: 'cancelled' });
    expect(textOf(ended)).toContain('is cancelled');
    expect((await agent.call('cancel_video', { id })).isError).toBeUndefined();
    const completed = videoOf(await agent.call('create_video', { prompt: 'a heron that is done' }));
    expectRefusal(await agent.call('cancel_video', { id: completed.id }), 'already_finished');
  });

  test('another client gets not_found', async () => {
    const { id } = videoOf(await agent.call('create_video', { prompt: 'a heron of alice’s' }));
    const bob = await connect(service.as(BOB));
    for (const tool of ['get_video', 'wait_for_video', 'cancel_video']) {
      expectRefusal(await bob.call(tool, { id }), 'not_found');
    }
    expect((await bob.call('list_videos')).structuredContent).toMatchObject({ data: [] });
    await bob.close();
  });

  test('an invalid id gets not_found', async () => {
    for (const id of ['vid_no', '../../health', 'a?b=c', 'é', '']) {
      expectRefusal(await agent.call('get_video', { id }), 'not_found');
    }
    expectRefusal(await agent.call('get_video', {}), '- id is required');
    expectRefusal(
      await agent.call('get_video', { id: 'a', when: 'now' }),
      'when is not an argument; get_video takes id',
    );
  });

  test('list_videos has pages', async () => {
    type Page = { data: { id: string }[]; last_id: string; has_more: boolean };
    const page = async (given: object) =>
      (await agent.call('list_videos', { ...given })).structuredContent as Page;
    const both = await page({ limit: 2 });
    const first = await page({ limit: 1 });
    const second = await page({ limit: 1, after: first.last_id });
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(both.data.map(({ id }) => id));
    expect(first.has_more).toBe(true);
    expectRefusal(
      await agent.call('list_videos', { limit: 0 }),
      'limit must be a whole number from 1 to 100',
    );
    expectRefusal(await agent.call('list_videos', { after: 'a&limit=1' }), 'after');
  });

  test('list_videos takes the filters that its schema names', async () => {
    const tools = await agent.tools();
    const properties = tools.find(({ name }) => name === 'list_videos')?.inputSchema.properties ?? {};
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['status', 'model', 'created_after']));
    expect(properties.model).toMatchObject({ enum: ['hailuo-2.3', 'hailuo-2.3-fast'] });
    expect(properties.model).not.toHaveProperty('default');

    service.sim.script('a heron that stumbles', { task: { pexit: '1' } });
    const failed = videoOf(await agent.call('create_video', { prompt: 'a heron that stumbles' }));
    const inputImageFirstUrl = 'https://pictures.example/heron.png';
    const fast = videoOf(
      await agent.call('create_video', {
        prompt: 'a heron in a hurry',
        model: 'hailuo-2.3-fast',
        inputImageFirstUrl,
      }),
    );
    expect(fast.model).toBe('hailuo-2.3-fast');
    const ids = async (given: object) => {
      const result = await agent.call('list_videos', { limit: 100, ...given });
      return (result.structuredContent as { data: { id: string }[] }).data.map(({ id }) => id);
    };
    const all = await ids({});
    expect(all).toEqual(expect.arrayContaining([failed.id, fast.id]));
    const failures = await ids({ status: 'failed' });
    expect(failures).toContain(failed.id);
    expect(failures).not.toContain(fast.id);
    expect(await ids({ model: 'hailuo-2.3-fast' })).toEqual([fast.id]);
    expect(await ids({ created_after: fast.created_at })).toEqual([]);
    expect(await ids({ created_after: failed.created_at - 1 })).toContain(failed.id);
    expectRefusal(await agent.call('list_videos', { status: 'done' }), 'status must be queued');
    expectRefusal(await agent.call('list_videos', { model: 'veo' }), 'model must be one of hailuo-2.3');
    expectRefusal(await agent.call('list_videos', { created_after: -1 }), 'created_after must be a time');
  });
});

test('an exhausted budget is an error result with the time to wait', async () => {
  const poor = await startService({
    sim: { speed: 600 },
    vars: { DAILY_BUDGET_USD: '0.30' },
    secrets: { CLIENT_TOKENS },
  });
  const spender = await connect(poor.as(ALICE));
  expect(
    (await spender.call('create_video', { prompt: 'a heron that is paid for' })).isError,
  ).toBeUndefined();
  for (const options of [{}, { onprogress: () => {} }]) {
    const result = await spender.call('create_video', { prompt: 'a heron too many' }, options);
    expectRefusal(result, 'budget_exhausted', 'midnight UTC', 'Try again in ');
  }
  const usage = (await spender.call('get_usage')).structuredContent as { limit_usd: string };
  expect(usage.limit_usd).toBe('0.30');
  expect(runsOf(poor.sim, 'a heron too many')).toHaveLength(0);
  await spender.close();
  await poor.close();
});

test('without client tokens anybody can create videos, and nobody has a list', async () => {
  const open = await startService({ sim: { speed: 600 } });
  const anybody = await connect(open);
  const made = await anybody.call('create_video', { prompt: 'a heron for everybody' });
  expect(linkOf(made)?.uri).toBe(`${open.origin}/v1/videos/${videoOf(made).id}/content`);
  for (const tool of ['list_videos', 'get_usage']) {
    expectRefusal(await anybody.call(tool), 'unauthorized', 'no client tokens');
  }
  await anybody.close();
  await open.close();
});

test('create_video counts against the limit of submits', async () => {
  const limited = await startService({
    sim: { speed: 600 },
    vars: { SUBMIT_PER_MINUTE: '1' },
    secrets: { CLIENT_TOKENS },
  });
  const eager = await connect(limited.as(ALICE));
  const results = [];
  for (const prompt of ['a heron in time', 'a heron too soon', 'a heron far too soon']) {
    results.push(await eager.call('create_video', { prompt, wait_seconds: 0 }));
  }
  expect(results[0]?.isError).toBeUndefined();
  expectRefusal(results.at(-1) as Result, 'rate_limited', 'Try again in 60 seconds');
  await eager.close();
  await limited.close();
});
