// curl: forms, headers alone, ranges, and a download that goes on where it broke off.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleBytes } from '../worker/support/sample.ts';
import { httpScenario, type Incoming, type Outgoing } from './http-scenario.ts';
import { run } from './python.ts';
import { expectScenario, type Scene, startScene } from './scenario.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** Its own options, and those that a script gives it. */
function argsOf({ method, url, headers, json, form, retries }: Outgoing): string[] {
  const fields = Object.entries(form ?? {}).map(([name, value]) =>
    typeof value === 'string' ? ['--form-string', `${name}=${value}`] : ['--form', `${name}=@${value.path}`],
  );
  return [
    ...['--request', method, '--no-buffer'],
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ...(json ? ['--json', JSON.stringify(json)] : []),
    ...fields.flat(),
    ...(retries ? ['--retry', '2', '--retry-all-errors', '--retry-delay', '1'] : []),
    url,
  ];
}

describe.skipIf(!hasCurl)('curl', () => {
  let scene: Scene;
  let body: string;
  beforeAll(async () => {
    scene = await startScene('curl', 'resume');
    body = join(scene.folder, 'body');
  });
  afterAll(() => scene.close());

  async function curl(...args: string[]): Promise<string> {
    const { exitCode, output, errors } = await run(
      'curl',
      ['--silent', '--show-error', ...args],
      scene.folder,
    );
    if (exitCode !== 0) throw new Error(`curl ended with ${exitCode}: ${errors}`);
    return output;
  }

  async function byCurl(outgoing: Outgoing): Promise<Incoming> {
    const written = await curl('--output', body, '--write-out', '%{http_code}', ...argsOf(outgoing));
    return { status: Number(written), body: await readFile(body) };
  }

  test('all operations', async () => {
    const target = scene.targetOf('curl', 'a heron that curls up');
    expectScenario(scene, target, await httpScenario(byCurl, target));
  });

  test('--head, --fail-with-body, and --continue-at on half of a file', async () => {
    const { base, token } = scene.targetOf('resume', '');
    const client = scene.service.as(token);
    const { id } = await client.accepted({ prompt: 'a heron of two halves' });
    await client.ended(id);
    const authorization = ['--header', `Authorization: Bearer ${token}`];
    const url = `${base}/videos/${id}/content`;
    const head = await curl('--head', ...authorization, url);
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head.toLowerCase()).toContain(`content-length: ${sampleBytes.length}\r\n`);
    expect(head.toLowerCase()).toContain('accept-ranges: bytes\r\n');
    expect(await curl('--head', `${scene.service.origin}/health`)).toMatch(/^HTTP\/1\.1 200 /);

    const half = join(scene.folder, 'half.mp4');
    await writeFile(half, sampleBytes.subarray(0, 1000));
    await curl('--continue-at', '-', '--output', half, ...authorization, url);
    expect((await readFile(half)).equals(sampleBytes)).toBe(true);

    const unknown = `${base}/videos/vid_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`;
    const failed = await run('curl', ['--silent', '--fail-with-body', ...authorization, unknown]);
    expect([failed.exitCode, JSON.parse(failed.output).code]).toEqual([22, 'not_found']);
  });

  test('the links of a Video need no token', async () => {
    const { token } = scene.targetOf('resume', '');
    const client = scene.service.as(token);
    const { id } = await client.accepted({ prompt: 'a heron to pass on' });
    const { urls } = await client.ended(id);
    await curl('--remote-name', '--remote-header-name', `${urls.download}`);
    const saved = await readFile(join(scene.folder, 'a-heron-to-pass-on.mp4'));
    expect(saved.equals(sampleBytes)).toBe(true);
  });
});
