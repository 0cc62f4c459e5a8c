// A callback_url that leads the Worker to a private host, or to another host than it seems to name: each is refused with
// the name of the field, without quoting the URL, and nothing is sent or stored.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startForeignHost } from '../content/foreign-host.ts';
import { startWebhookReceiver } from '../operator/webhook-receiver.ts';
import { INVALID_PARAMETER, messageFor, refused } from '../support/refusals.ts';
import { submitForm } from '../support/requests/bodies.ts';
import { type Service, startService } from '../support/service.ts';
import { startWrapped } from '../support/wrapped.ts';
import { AttackTable } from './attacks.ts';

const NOTIFY_SECRET = `whsec_${Buffer.from('thirty-two bytes to be kept dark').toString('base64')}`;

const table = new AttackTable();
let service: Service;
beforeAll(async () => {
  service = await startService({ secrets: { NOTIFY_SECRET } });
});
afterAll(async () => {
  table.print();
  await service.close();
});

const HOSTS: Record<string, string[]> = {
  localhost: ['localhost', 'LOCALHOST.', 'a.localhost', 'localhost:8787'],
  'names for inside use': [
    'metadata.google.internal',
    'db.internal.',
    'nas.local',
    'router.lan',
    'intranet',
    'x.home.arpa',
  ],
  'loopback in every spelling': [
    ...[
      '127.0.0.1',
      '127.0.0.1:8787',
      '127.1',
      '0',
      '0.0.0.0',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '0177.0.0.1',
    ],
    ...['017700000001', '127.0.0.1.', '127。0。0。1', '１２７.０.０.１', '%31%32%37.0.0.1', '[::1]', '[::]'],
    ...[
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
    ],
  ],
  'private and special addresses': [
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '192.168.0.1',
      '100.64.0.1',
      '169.254.169.254',
      '168.63.129.16',
      '224.0.0.1',
    ],
    ...['255.255.255.255', '[fd00:ec2::254]', '[fe80::1]', '[fe80::1%25eth0]', '[ff02::1]', '[2001:db8::1]'],
  ],
  'public addresses in other spellings': [
    '010.8.8.8',
    '134744072',
    '0x08.8.8.8',
    '8.8.8.8.',
    'ex%61mple.com',
    'example%2ecom',
  ],
  'user info': [
    'user@example.com',
    'user:pass@example.com',
    '@example.com',
    'example.com@127.0.0.1',
    '127.0.0.1%2F@example.com',
  ],
  'impossible ports and hosts': [
    'example.com:99999',
    'example.com:a',
    '1.2.3.256',
    '[::1',
    'a..example.com',
    '',
  ],
};

const URLS: Record<string, string[]> = {
  'other schemes': [
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'wss://example.com/',
    'data:,x',
  ],
  'no absolute URL': [
    '/hook',
    '//example.com/',
    'example.com/hook',
    'https:',
    'https:example.com',
    'https:/example.com',
    'https:////example.com/',
  ],
  'control characters and spaces': [
    ...[
      'https://example.com/\r\nx-evil: 1',
      'https://exa\tmple.com/',
      'https://example.com/\u0000',
      ' https://example.com/',
    ],
    ...['https://example.com/ b', 'https://example.com/\u007f', 'https://example.com/\u0085'],
  ],
  backslashes: [
    'https:\\\\example.com\\',
    'https://example.com\\@127.0.0.1/',
    'https://127.0.0.1\\.example.com/',
  ],
  'very long': [
    `https://example.com/${'x'.repeat(2029)}`,
    `https://${'a.'.repeat(2000)}com/`,
    `https://example.com/?${'y'.repeat(60_000)}`,
  ],
};

const cases = [
  ...Object.entries(HOSTS).map(
    ([kind, hosts]) => [kind, hosts.map((host) => `https://${host}/hook-7a31`)] as const,
  ),
  ...Object.entries(URLS),
];

test.for(cases)('%s', async ([kind, urls]) => {
  const messages = new Set<string>();
  for (const callback_url of urls) {
    const body = { prompt: 'a letter to the wrong house', callback_url };
    const found = await refused(service, INVALID_PARAMETER, () => service.submit(body));
    const message = messageFor(found, 'callback_url');
    expect(JSON.stringify(found)).not.toContain('hook-7a31');
    expect(message).not.toMatch(/is not a field/);
    messages.add(message.replace(/\d+ characters/, 'N characters'));
    const parts = Object.entries(body).map(([name, value]) => ({ name, value }));
    const inForm = await refused(service, INVALID_PARAMETER, () => submitForm(service, parts));
    expect(inForm.errors.map(({ field }) => field)).toEqual(['callback_url']);
  }
  table.add(`${kind} (${urls.length})`, `400, ${[...messages].join(' | ')}`);
});

test.for([7, true, [], {}, ['https://example.com/']])('%j is not a URL', async (callback_url) => {
  const body = { prompt: 'a letter without an address', callback_url };
  const found = await refused(service, INVALID_PARAMETER, () => service.submit(body));
  expect(messageFor(found, 'callback_url')).toBe('must be a string');
});

test('a public receiver that redirects to a private host: nothing follows', async () => {
  const [receiver, inside] = await Promise.all([startWebhookReceiver(), startForeignHost()]);
  const wrapped = await startWrapped('public-receivers-worker.js', {
    vars: { NOTIFY_SECONDS: '0.1,0.1,0.1,0.1' },
    secrets: { NOTIFY_SECRET },
    sim: { speed: 600 },
  });
  const prompt = 'a letter that is forwarded';
  const statuses = [301, 302, 303, 307, 308];
  receiver.script(
    prompt,
    statuses.map((status) => [status, { location: inside.url }]),
  );
  const port = new URL(receiver.url).port;
  const { id } = await wrapped.accepted({ prompt, callback_url: `https://receiver-${port}.example.com/` });
  await receiver.deliveriesFor(prompt, statuses.length);
  const tried = async () => {
    const { data } = await (await wrapped.fetch(`/v1/videos/${id}/deliveries`)).json();
    return data.map(({ status }: { status: number }) => status);
  };
  await expect.poll(tried, { timeout: 20_000 }).toEqual(statuses);
  expect(inside.requests).toEqual([]);
  table.add(`redirects to a private host (${statuses.length})`, 'not followed; counts as not received');
  await wrapped.close();
  await Promise.all([receiver.close(), inside.close()]);
});
