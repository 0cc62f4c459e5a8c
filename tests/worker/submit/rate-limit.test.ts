// Rate limits of clients and addresses. Each test has its own service, because counts cannot be reset.
import { expect, test, vi } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, type Refusal } from '../support/refusals.ts';
import { picture } from '../support/requests/pictures.ts';
import { filePart, upload } from '../support/requests/uploads.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';

const RATE_LIMITED: Refusal = [429, 'rate_limited'];

// Some tests wait for the start of a minute.
vi.setConfig({ testTimeout: 90_000 });

const MINUTE_MS = 60_000;
/** What a test needs of a minute. */
const NEEDED_MS = 15_000;

/** Limiters count by the minutes of the clock: what is to be counted together must not begin at the end of one. */
async function minuteWithRoom(): Promise<void> {
  const left = MINUTE_MS - (Date.now() % MINUTE_MS);
  if (left < NEEDED_MS) await new Promise((resolve) => setTimeout(resolve, left));
}

async function withService(options: ServiceOptions, use: (service: Service) => Promise<void>): Promise<void> {
  const service = await startService({ sim: { speed: 600 }, ...options });
  try {
    await minuteWithRoom();
    await use(service);
  } finally {
    await service.close();
  }
}

async function statuses(count: number, send: (index: number) => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let index = 0; index < count; index++) answers.push((await send(index)).status);
  return answers;
}

// A limit that is not a multiple of ten uses the limiter for one.
test.for([1, 3, 10, 13])('%i submits a minute are accepted, no more', (limit) =>
  withService({ vars: { SUBMIT_PER_MINUTE: `${limit}` } }, async (service) => {
    const submit = (index: number) => service.submit({ prompt: `one of so many videos ${index}` });
    expect(await statuses(limit, submit)).toEqual(Array(limit).fill(202));
    const refused = await submit(limit);
    expect(refused.headers.get('retry-after')).toBe('60');
    await expectProblem(refused, RATE_LIMITED);
    expect(service.sim.callsTo('/Run/')).toHaveLength(limit);
    // Reading videos is still allowed.
    expect((await service.fetch('/health')).status).toBe(200);
  }),
);

test('concurrent submits are limited too', () =>
  withService({ vars: { SUBMIT_PER_MINUTE: '5' } }, async (service) => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => service.submit({ prompt: `all at the same time ${index}` })),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
    expect(service.sim.callsTo('/Run/')).toHaveLength(5);
  }));

test('each client has its own limit, whatever address it claims', () =>
  withService({ vars: { SUBMIT_PER_MINUTE: '2' }, secrets: { CLIENT_TOKENS } }, async (service) => {
    const submit = (token: string, index: number) =>
      service.as(token).fetch('/v1/videos', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-forwarded-for': `203.0.113.${index}`,
          'x-real-ip': `203.0.113.${index}`,
        },
        body: JSON.stringify({ prompt: `a video of one of two ${index}` }),
      });
    expect(await statuses(3, (index) => submit(ALICE, index))).toEqual([202, 202, 429]);
    expect(await statuses(3, (index) => submit(BOB, index))).toEqual([202, 202, 429]);
  }));

test('uploads count as submits', () =>
  withService({ vars: { SUBMIT_PER_MINUTE: '1' } }, async (service) => {
    const send = () => upload(service, [filePart(picture('image/png', 500))]);
    expect(await statuses(2, send)).toEqual([200, 429]);
    expect((await service.submit({ prompt: 'no more of anything' })).status).toBe(429);
  }));

test('invalid requests do not count', () =>
  withService({ vars: { SUBMIT_PER_MINUTE: '1' } }, async (service) => {
    expect(await statuses(5, () => service.submit({ prompt: '' }))).toEqual(Array(5).fill(400));
    expect(await statuses(5, () => service.submit({ prompt: 'a', model: 'sora-2' }))).toEqual(
      Array(5).fill(400),
    );
    expect(await statuses(5, () => service.fetch('/v1/files', { method: 'POST' }))).toEqual(
      Array(5).fill(415),
    );
    expect((await service.submit({ prompt: 'the first that is good' })).status).toBe(202);
    expect((await service.submit({ prompt: 'the second' })).status).toBe(429);
  }));

test('an address has one limit for all its clients', () =>
  withService({ vars: { VISITS_PER_MINUTE: '104' }, secrets: { CLIENT_TOKENS } }, async (service) => {
    const guess = (index: number) =>
      service
        .as(`guess-${index}`)
        .fetch('/v1/videos', { headers: { 'x-forwarded-for': `203.0.113.${index}` } });
    const answers = await statuses(110, guess);
    expect(answers.slice(0, 104)).toEqual(Array(104).fill(401));
    expect(answers.slice(104)).toEqual(Array(6).fill(429));
    await expectProblem(await service.fetch('/hooks/wiro/vid_x/y', { method: 'POST' }), RATE_LIMITED);
    expect((await service.fetch('/health')).status).toBe(200);
  }));

test('the default limit is ten submits', () =>
  withService({ vars: { SUBMIT_PER_MINUTE: '', VISITS_PER_MINUTE: '' } }, async (service) => {
    const submit = (index: number) => service.submit({ prompt: `a video by default ${index}` });
    expect((await statuses(11, submit)).filter((status) => status === 202)).toHaveLength(10);
  }));
