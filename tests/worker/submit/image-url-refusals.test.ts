// inputImageFirstUrl must be https on a public host.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldNames, INVALID_PARAMETER, messageFor, refused } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(() => service.close());

async function refusalOf(inputImageFirstUrl: string): Promise<string> {
  const send = () => service.submit({ prompt: 'a picture from elsewhere', inputImageFirstUrl });
  const found = await refused(service, INVALID_PARAMETER, send);
  expect(fieldNames(found)).toEqual(['inputImageFirstUrl']);
  return messageFor(found, 'inputImageFirstUrl');
}

const PRIVATE_HOSTS: Record<string, string[]> = {
  'names for inside use': [
    'localhost',
    'LocalHost',
    'localhost.',
    'api.localhost',
    'printer.local',
    'PRINTER.LOCAL',
    'printer.local.',
    'metadata.google.internal',
    'host.docker.internal.',
    'internal',
    'intranet',
    'loca%6chost',
    'api.test',
    'nothing.invalid',
    'hidden.onion',
    'home.arpa',
    'nas.home.arpa',
    'files.corp',
    'nas.home',
    'relay.mail',
    'wiki.intranet',
    'nas.lan',
    'db.private',
    'pc.localdomain',
    'api.default.svc',
    'web.service.consul',
    'metadata.goog',
    'images.e',
    'images.example.c0m',
    'images..example.com',
  ],
  'private and reserved IPv4': [
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.31.196.1',
    '192.52.193.1',
    '192.88.99.2',
    '192.168.0.1',
    '192.175.48.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ],
  'IPv4 in other spellings': [
    '0',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '2130706433',
    '3232235777',
    '192.168.257',
    '0x7f000001',
    '0x7F.0.0.1',
    '0xa9.0xfe.0xa9.0xfe',
    '0177.0.0.1',
    '017700000001',
    '0300.0250.1.1',
    '00000177.0.0.01',
    '%31%32%37.0.0.1',
    '１２７.０.０.１',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
  ],
  'private and reserved IPv6': [
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[fe80::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[2001:db8::1]',
    '[100::1]',
    '[2620:4f:8000::1]',
    '[3fff::1]',
  ],
  'IPv4 inside IPv6': [
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::FFFF:169.254.169.254]',
    '[::ffff:0:127.0.0.1]',
    '[::127.0.0.1]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::a00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
  ],
};

describe.for(Object.entries(PRIVATE_HOSTS))('%s are refused', ([_name, hosts]) => {
  test.for(hosts)('%s', async (host) => {
    expect(await refusalOf(`https://${host}/cat.png`)).toMatch(/public|https URL/);
    await refusalOf(`https://${host}:8443/cat.png?host=images.example.com`);
  });
});

test.for([
  'https://user@images.example.com/cat.png',
  'https://user:password@images.example.com/cat.png',
  'https://:password@images.example.com/cat.png',
  'https://:@images.example.com/cat.png',
  'https://@images.example.com/cat.png',
  'https://@@images.example.com/cat.png',
  'https://images.example.com@127.0.0.1/cat.png',
  'https://127.0.0.1%2F@images.example.com/cat.png',
])('user info is refused: %s', async (url) => {
  expect(await refusalOf(url)).toMatch(/user/);
});

test.for([
  'http://images.example.com/cat.png',
  'ftp://images.example.com/cat.png',
  'file:///etc/passwd',
  'data:image/png;base64,iVBORw0KGgo=',
  'javascript:alert(1)',
  'wss://images.example.com/cat.png',
  '//images.example.com/cat.png',
  'images.example.com/cat.png',
  'cat.png',
  'https://',
  'https:///',
  'https://images.example.com:99999/cat.png',
  'https://1.2.3.256/cat.png',
  'https://[::1/cat.png',
  'https://images .example.com/cat.png',
  ' https://images.example.com/cat.png',
  'https://images.example.com/cat.png\n',
  'https://ima\tges.example.com/cat.png',
])('a URL that is not https is refused: %j', async (url) => {
  expect(await refusalOf(url)).toMatch(/https/);
});

// Some parsers find another host in these, such as 10.8.8.8 in the first.
test.for([
  'https://010.8.8.8/cat.png',
  'https://134744072/cat.png',
  'https://0x08.8.8.8/cat.png',
  'https://8.8.8.8./cat.png',
  'https://ex%61mple.com/cat.png',
  'https://example%2ecom/cat.png',
])('an unusual spelling of a host is refused: %s', async (url) => {
  expect(await refusalOf(url)).toMatch(/host/);
});

// By RFC 3986 these have another host than by the rules of browsers, or none.
test.for([
  'https:\\\\images.example.com\\cat.png',
  'https://images.example.com\\@127.0.0.1/cat.png',
  'https:images.example.com/cat.png',
  'https:/images.example.com/cat.png',
  'https:////images.example.com/cat.png',
])('an ambiguous URL is refused: %j', async (url) => {
  await refusalOf(url);
});

test('more than 2,048 characters are refused', async () => {
  expect(await refusalOf('https://images.example.com/'.padEnd(2049, 'x'))).toMatch(/2,?048/);
});

test('a host name that is not ASCII is refused with a hint at punycode', async () => {
  expect(await refusalOf('https://bücher.example/cat.png')).toMatch(/punycode/);
});
