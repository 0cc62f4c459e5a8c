// Where nothing may be spent, nothing is uploaded either.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { picture } from '../support/requests/pictures.ts';
import { filePart, upload, uploadCalls } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { DAILY_BUDGET_USD: '0' } });
});
afterAll(() => service.close());

test('with a budget of 0 no file goes to Wiro', async () => {
  const answer = await upload(service, [filePart(picture('image/png', 5000))]);
  expect(answer.status).toBe(429);
  expect(await answer.json()).toMatchObject({ code: 'budget_exhausted' });
  expect(uploadCalls(service)).toEqual([]);
});
