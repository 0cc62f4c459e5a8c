// public/client.js in Node: submit, watch, cancel, remove and list, with each protection.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cancel,
  list,
  newKey,
  remove,
  run,
  submit,
  upload,
  usage,
  type Video,
  VideoError,
  type WatchEvent,
  watch,
} from '../../public/client.js';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { sha256 } from '../worker/support/stored.ts';
import { releaseOnceFollowed } from './support/followed.ts';
import { EACH, type Protection } from './support/protections.ts';

describe.for(EACH)('with %s', ([, protection]) => {
  let service: Service;
  let options: { base: string } & ReturnType<Protection['access']>;
  beforeAll(async () => {
    service = await startService({ sim: { speed: 60 }, ...protection.options });
    options = { base: service.origin, ...protection.access(service.sim) };
  });
  afterAll(() => service?.close());

  async function seen(video: Video): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    for await (const event of watch(video, options)) events.push(event);
    return events;
  }

  test('a video with a first frame is watched until it completes', async () => {
    const picture = gradientPng(64, 36);
    const inputImageFirst = new Blob([picture], { type: 'image/png' });
    service.sim.script('watched by an app', { holdAt: 'task_start' });
    const video = await submit({ prompt: 'watched by an app', inputImageFirst, duration: 10 }, options);
    const watching = seen(video);
    const { image, fields } = await releaseOnceFollowed(service.sim, 'watched by an app');
    const events = await watching;
    const videos = events.flatMap((event) => (event.type === 'video' ? [event.video] : []));
    expect(events[0]).toEqual({ type: 'connection', state: 'live' });
    expect(videos.at(-1)).toMatchObject({ id: video.id, status: 'completed', progress: 100 });
    expect(videos.length).toBeGreaterThan(4);
    expect(events.some((event) => event.type === 'log' && event.text === 'Loading model')).toBe(true);
    expect(image?.sha256).toBe(sha256(picture));
    expect(fields.duration).toBe('10');
    // An ended video sends its last event at once.
    expect((await seen(video)).at(-1)).toMatchObject({ type: 'video', video: { status: 'completed' } });
  });

  test('run, upload and usage return their results', { timeout: 30_000 }, async () => {
    const { progress, status } = await run({ prompt: 'run by an app', resolution: null }, options);
    expect({ progress, status }).toEqual({ progress: 100, status: 'completed' });
    service.sim.script('fails an app', { task: { pexit: '1', outputs: 'none' } });
    const failing = run({ prompt: 'fails an app' }, options);
    await expect(failing).rejects.toMatchObject({ code: 'generation_failed', video: { status: 'failed' } });
    const file = new File([gradientPng(64, 36)], 'sky.png', { type: 'image/png' });
    expect(await upload(file, options)).toMatchObject({ filename: 'sky.png', content_type: 'image/png' });
    if (options.token) expect((await usage(options)).limit_usd).toBeNull();
    else await expect(usage(options)).rejects.toMatchObject({ status: 401 });
  });

  test('the same key returns the same video, and the list has it until it is removed', async () => {
    const key = newKey();
    service.sim.script('keyed', { holdAt: 'task_start' });
    const [one, other] = await Promise.all(
      [1, 2].map(() => submit({ prompt: 'keyed' }, { ...options, key })),
    );
    expect(one?.id).toBe(other?.id);
    const { id } = one as Video;
    const mine = list({ ...options, limit: 1 });
    // Without a token there is no list.
    if (options.token) expect((await mine).data.map((video) => video.id)).toEqual([id]);
    else await expect(mine).rejects.toMatchObject({ status: 401, code: 'unauthorized' });
    expect((await cancel(id, options)).id).toBe(id);
    expect((await seen(one as Video)).at(-1)).toMatchObject({ video: { status: 'cancelled' } });
    await remove(id, options);
    await expect(remove(id, options)).rejects.toMatchObject({ status: 404, code: 'not_found' });
  });

  test('a problem document becomes an error with its code and fields', async () => {
    const wrong = submit({ prompt: '', duration: 10, resolution: '1080P' }, options);
    await expect(wrong).rejects.toBeInstanceOf(VideoError);
    await expect(wrong).rejects.toMatchObject({ status: 400, code: 'invalid_parameter', isUnclear: false });
    expect((await wrong.catch((error) => error.errors)).length).toBeGreaterThan(1);
    await expect(list({ base: service.origin })).rejects.toMatchObject({ status: 401, code: 'unauthorized' });
    const nobody = submit({ prompt: 'to nobody' }, { base: 'http://127.0.0.1:1', patienceMs: 0 });
    await expect(nobody).rejects.toMatchObject({ status: 0, code: 'unreachable', isUnclear: true });
  });

  test('aborting watch closes the connection', async () => {
    service.sim.script('left', { holdAt: 'task_start' });
    const video = await submit({ prompt: 'left alone' }, options);
    const leaving = new AbortController();
    const watching = (async () => {
      for await (const event of watch(video, { ...options, signal: leaving.signal })) {
        if (event.type === 'video') leaving.abort();
      }
    })();
    await expect(watching).rejects.toThrow('abort');
    await cancel(video.id, options);
  });
});
