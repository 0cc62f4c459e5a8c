// Valid settings: projects without a secret, the base of callbacks, and /health.
import { afterEach, describe, expect, test } from 'vitest';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';

let service: Service;
afterEach(() => service.close());

async function start(options: ServiceOptions): Promise<void> {
  service = await startService({ ...options, sim: { speed: 600, ...options.sim } });
}

test('without a secret the key is sent alone, and videos are made', async () => {
  await start({ sim: { apiSecret: null } });
  const { id } = await service.accepted({ prompt: 'made with a key alone' });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  const signed = service.sim.calls.filter(({ path }) => path.startsWith('/v1/'));
  expect(signed.length).toBeGreaterThan(1);
  for (const { headers } of signed) {
    expect(headers['x-api-key']).toBe(service.sim.apiKey);
    expect(Object.keys(headers)).not.toContain('x-nonce');
    expect(Object.keys(headers)).not.toContain('x-signature');
  }
});

test('the key is sent only to the API, and the secret nowhere', async () => {
  await start({});
  const { id } = await service.accepted({ prompt: 'made with key and secret' });
  await service.ended(id);
  const fetched = service.sim.callsTo('/cdn/');
  expect(fetched).toHaveLength(1);
  expect(Object.keys(fetched[0]!.headers).filter((name) => name.startsWith('x-'))).toEqual([]);
  const sent = JSON.stringify(service.sim.calls.map(({ headers, fields, path }) => [headers, fields, path]));
  expect(sent).not.toContain(service.sim.apiSecret!);
});

test('/health returns status and version without any call', async () => {
  await start({});
  const response = await service.fetch('/health');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('x-request-id')).toMatch(/^\S{8,}$/);
  expect(await response.json()).toEqual({
    status: 'ok',
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    protection: 'none',
  });
  expect(service.logs().filter((line) => line.includes('anyone can submit'))).toHaveLength(1);
  expect(service.sim.calls).toEqual([]);
});

describe('PUBLIC_URL', () => {
  test.for(['https://video.example', 'https://video.example/', 'https://video.example/under/a/path/'])(
    '%s is the base of callbacks and links',
    async (publicUrl) => {
      await start({ vars: { PUBLIC_URL: publicUrl, POLL_SECONDS: '600' }, sim: { speed: 0 } });
      const video = await service.accepted({ prompt: 'known under another name' });
      const base = publicUrl.replace(/\/$/, '');
      expect(video.urls.self).toBe(`${base}/v1/videos/${video.id}`);
      const { callbackUrl } = service.sim.tasks[0]!;
      expect(callbackUrl.startsWith(`${base}/hooks/wiro/${video.id}/`), callbackUrl).toBe(true);
    },
  );
});

test('MODELS decides which model is run and named in the Video', async () => {
  await start({ vars: { MODELS: 'another/model-1.5' }, sim: { model: 'another/model-1.5' } });
  const { id, model } = await service.accepted({ prompt: 'made by another model' });
  expect(model).toBe('another/model-1.5');
  expect(service.sim.callsTo('/Run/another/model-1.5')).toHaveLength(1);
  expect(await service.ended(id)).toMatchObject({ status: 'completed', model: 'another/model-1.5' });
});
