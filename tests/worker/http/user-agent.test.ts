// Every request of the Worker has a User-Agent header: some firewalls refuse requests without one.
import { expect, test } from 'vitest';
import { TURNSTILE_SECRET } from '../../../sim/index.ts';
import { startWebhookReceiver } from '../operator/webhook-receiver.ts';
import { watch } from '../support/event-source.ts';
import { picture } from '../support/requests/pictures.ts';
import { filePart, upload } from '../support/requests/uploads.ts';
import { startService } from '../support/service.ts';
import { followed } from '../support/upstream-calls.ts';

const USER_AGENT = /^hailuo-worker\/\d+\.\d+\.\d+$/;
const NOTIFY_SECRET = `whsec_${Buffer.from('a key to sign with, and no more').toString('base64')}`;

test('Wiro’s API, socket and CDN, Turnstile’s verifier and the webhook', async () => {
  const receiver = await startWebhookReceiver();
  const sim = { speed: 60 };
  const vars = { NOTIFY_URL: receiver.url, PURGE_UPSTREAM: true, POLL_SECONDS: '0.2' };
  const service = await startService({ vars, secrets: { NOTIFY_SECRET }, sim });
  const challenged = await startService({ secrets: { TURNSTILE_SECRET }, sim });
  try {
    await upload(service, [filePart(picture('image/png', 500))]);
    await service.fetch('/v1/models');
    service.sim.script('a parade', { holdAt: 'task_start' });
    service.sim.script('a lost parade', { run: [{ kind: 'lost', how: 'reset' }] });
    const { id } = await service.accepted({ prompt: 'a parade' });
    const watcher = await watch(service, id);
    const task = await service.sim.waitForTask('a parade');
    await followed(service.sim, task);
    service.sim.release(task);
    await watcher.ended;
    await receiver.deliveriesFor('a parade');
    await service.sim.waitForCall('/Task/InputOutputDelete');
    const { id: lost } = await service.accepted({ prompt: 'a lost parade' });
    await service.sim.waitForCall('/Task/List');
    await service.cancel(lost);
    service.sim.script('an ending parade', { holdAt: 'task_queue' });
    const { id: stopped } = await service.accepted({ prompt: 'an ending parade' });
    await service.until(stopped, ({ stage }) => stage === 'task_queue');
    await service.cancel(stopped);
    const headers = { 'turnstile-token': challenged.sim.solve({ hostname: '127.0.0.1' }) };
    await challenged.saying(headers).submit({ prompt: 'a parade for people' });

    const calls = [...service.sim.calls, ...challenged.sim.calls];
    const targets = calls.map(({ path, headers }) => (headers.upgrade ? 'the socket' : path.split('/')[2]));
    const all = ['Run', 'Task', 'File', 'Tool', 'the socket', 'v0'];
    expect([...new Set(targets)]).toEqual(expect.arrayContaining(all));
    expect(service.sim.callsTo('/cdn/').length).toBeGreaterThan(0);
    const strangers = calls.filter(({ headers }) => !USER_AGENT.test(headers['user-agent'] ?? ''));
    expect(strangers.map(({ path }) => path)).toEqual([]);
    for (const { headers } of receiver.of('a parade')) expect(headers['user-agent']).toMatch(USER_AGENT);
  } finally {
    await service.close();
    await challenged.close();
    await receiver.close();
  }
});
