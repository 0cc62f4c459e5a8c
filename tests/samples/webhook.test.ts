// The sample receivers in docs/samples, unchanged: each accepts real deliveries of the Worker and nothing else.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  startWebhookReceiver,
  type Told,
  type WebhookReceiver,
} from '../worker/operator/webhook-receiver.ts';
import { startBare } from '../worker/support/bare.ts';
import type { Service } from '../worker/support/service.ts';
import { root } from '../worker/support/settings.ts';

const NOTIFY_SECRET = `whsec_${Buffer.from('a key that all the samples share').toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.from('a key that none of the samples has').toString('base64')}`;
const PYTHON = ['/usr/bin/python3', '/usr/local/bin/python3'].find(existsSync);
const HEADERS = ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature'];

const SAMPLES: [name: string, program: string | undefined, secrets: string][] = [
  ['webhook.mjs', process.execPath, NOTIFY_SECRET],
  ['webhook.ts', process.execPath, NOTIFY_SECRET],
  ['webhook.py (needs Python)', PYTHON, `${OTHER_SECRET} ${NOTIFY_SECRET}`],
];

let service: Service;
let receiver: WebhookReceiver;
/** What was told of a video that was completed, and of one that failed. */
let completed: Told;
let failed: Told;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  service = await startBare({
    vars: { NOTIFY_URL: receiver.url },
    secrets: { NOTIFY_SECRET },
    sim: { speed: 600 },
  });
  service.sim.script('a silent film', { task: { pexit: '1', outputs: 'none' } });
  for (const prompt of ['a talking film', 'a silent film']) await service.accepted({ prompt });
  [completed] = (await receiver.told('a talking film')) as [Told];
  [failed] = (await receiver.told('a silent film')) as [Told];
});
afterAll(async () => {
  await service?.close();
  await receiver?.close();
});

describe.each(SAMPLES)('%s', (name, program = '', secrets) => {
  const samples = test.skipIf(program === '');
  let sample: ChildProcess;
  let url: string;
  const lines: string[] = [];
  beforeEach(async () => {
    lines.length = 0;
    const environment = { PATH: process.env.PATH, NOTIFY_SECRET: secrets, PORT: '0' };
    sample = spawn(program, [join(root, 'docs/samples', name.replace(/ .*/, ''))], { env: environment });
    if (!sample.stdout) throw new Error('no output');
    createInterface(sample.stdout).on('line', (line) => lines.push(line));
    await vi.waitUntil(() => lines.length > 0, { timeout: 15_000 });
    url = lines[0]?.replace('listening at ', '') ?? '';
  });
  afterEach(() => void sample.kill());

  const send = ({ body, headers }: Pick<Told, 'body' | 'headers'>) => {
    const sent = Object.fromEntries(HEADERS.map((name) => [name, headers[name] ?? '']));
    return fetch(url, { method: 'POST', body, headers: sent }).then(({ status }) => status);
  };

  samples('takes what the Worker sends, and tells each event once', async () => {
    for (const told of [completed, completed, failed]) expect(await send(told)).toBe(204);
    await vi.waitUntil(() => lines.length > 2, { timeout: 5000 });
    const [, first, second, ...others] = lines;
    expect(first).toMatch(/^video\.completed vid_\w+ http.*\/content/);
    expect(second).toMatch(/^video\.failed vid_\w+ generation_failed The model/);
    expect(others).toEqual([]);
  });

  samples('takes nothing that was changed, signed by somebody else, or kept', async () => {
    const { body, headers } = completed;
    const kept = { ...headers, 'webhook-timestamp': `${Number(headers['webhook-timestamp']) - 3600}` };
    const signature = `v1,${Buffer.alloc(32).toString('base64')}`;
    for (const told of [
      { body: body.replace('video.completed', 'video.cancelled'), headers },
      { body, headers: kept },
      { body, headers: { ...headers, 'webhook-id': 'msg_other' } },
      { body, headers: { ...headers, 'webhook-signature': signature } },
      { body, headers: {} },
    ])
      expect(await send(told)).toBe(401);
    expect(lines).toHaveLength(1);
  });
});
