// Limits for uploads: none without a budget, and a number of bytes per day.
import { expect, onTestFinished, test } from 'vitest';
import { MIB, picture } from '../support/requests/pictures.ts';
import { filePart, upload, uploadCalls } from '../support/requests/uploads.ts';
import { startService } from '../support/service.ts';

async function start(options: Parameters<typeof startService>[0]) {
  const service = await startService(options);
  onTestFinished(() => service.close());
  return service;
}

test('with a budget of 0 no file is sent to Wiro', async () => {
  const service = await start({ vars: { DAILY_BUDGET_USD: '0' } });
  const answer = await upload(service, [filePart(picture('image/png', 5000))]);
  expect(answer.status).toBe(429);
  expect(await answer.json()).toMatchObject({ code: 'budget_exhausted' });
  expect(uploadCalls(service)).toEqual([]);
});

test('a client that used up its daily upload bytes is refused until the next day, others are not', async () => {
  const tokens = { alice: 'alice-token-6f2d91c07b3e', bob: 'bob-token-c4f0a85e21d7' };
  const service = await start({
    vars: { UPLOAD_MIB_PER_DAY: '3' },
    secrets: { CLIENT_TOKENS: JSON.stringify(tokens) },
  });
  const file = () => filePart(picture('image/png', MIB));
  const alice = service.as(tokens.alice);
  expect((await upload(alice, [file()])).status).toBe(200);
  expect((await upload(alice, [file()])).status).toBe(200);
  const refused = await upload(alice, [file()]);
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({
    code: 'rate_limited',
    detail: expect.stringContaining('midnight'),
  });
  const wait = Number(refused.headers.get('retry-after'));
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(86_400);
  expect((await upload(alice, [filePart(picture('image/png', 5000))])).status).toBe(200);
  expect((await upload(service.as(tokens.bob), [file()])).status).toBe(200);
  expect(uploadCalls(service)).toHaveLength(4);
});
