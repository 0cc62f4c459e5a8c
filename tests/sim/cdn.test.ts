// The CDN as an HTTP client sees it, without faults and with each fault.
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CdnFault,
  generatedDigest,
  type Output,
  type Sim,
  sampleContent,
  startSim,
} from '../../sim/index.ts';
import { run, signedHeaders } from './support/client.ts';

const SIZE = sampleContent.size;

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

async function output(): Promise<Output> {
  await run(sim);
  const task = sim.tasks.at(-1)!;
  await task.reached('task_postprocess_end');
  return task.outputs[0]!;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('an output', () => {
  test('is the sample video', async () => {
    const { url, sha256: digest, size } = await output();
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(SIZE),
      'accept-ranges': 'bytes',
    });
    const bytes = await response.bytes();
    expect([bytes.length, sha256(bytes)]).toEqual([size, await digest()]);
    expect(String.fromCharCode(...bytes.subarray(4, 8))).toBe('ftyp');
    expect(sim.callsTo('/cdn/')).toMatchObject([{ method: 'GET', status: 200, task: sim.tasks[0] }]);
  });

  test('answers HEAD', async () => {
    const response = await fetch((await output()).url, { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe(String(SIZE));
    expect(await response.bytes()).toHaveLength(0);
  });

  test.for([
    ['bytes=0-0', 206, 0, 1],
    ['bytes=10-19', 206, 10, 20],
    ['bytes=40000-', 206, 40000, SIZE],
    ['bytes=-5', 206, SIZE - 5, SIZE],
    ['bytes=100-99999999', 206, 100, SIZE],
    ['bytes=9-3', 200, 0, SIZE],
    ['bytes=0-1,4-5', 200, 0, SIZE],
    ['lines=1-2', 200, 0, SIZE],
  ] as const)('answers Range: %s', async ([range, status, start, end]) => {
    const { url, content } = await output();
    const response = await fetch(url, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(
      status === 206 ? `bytes ${start}-${end - 1}/${SIZE}` : null,
    );
    expect(sha256(await response.bytes())).toBe(sha256(Buffer.concat([...content.read(start, end)])));
  });

  test('answers 416 to a range after its end', async () => {
    const response = await fetch((await output()).url, { headers: { range: `bytes=${SIZE}-` } });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, `bytes */${SIZE}`]);
  });
});

test('the CDN refuses credentials, other methods and unknown paths', async () => {
  const { url } = await output();
  expect((await fetch(url, { headers: signedHeaders(sim) })).status).toBe(403);
  expect((await fetch(url, { headers: { 'x-api-key': sim.apiKey } })).status).toBe(403);
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(`${sim.url}/cdn/made-up/0.mp4`)).status).toBe(404);
  expect((await fetch(`${sim.url}/elsewhere`)).status).toBe(404);
  expect(sim.rejections()).toHaveLength(5);
});

describe('faults, each for one GET', () => {
  async function scripted(fault: CdnFault): Promise<Output> {
    sim.script('boat', { cdn: [fault] });
    const whole = await output();
    const head = await fetch(whole.url, { method: 'HEAD' });
    expect(head.status).toBe(200); // HEAD does not use the fault up
    return whole;
  }

  async function faulty(fault: CdnFault) {
    const whole = await scripted(fault);
    const response = await fetch(whole.url, { redirect: 'manual' });
    const length = response.headers.get('content-length');
    return { whole, response, length: length === null ? null : Number(length) };
  }

  afterEach(async () => {
    const whole = sim.tasks[0]!.outputs[0]!;
    expect(sha256(await (await fetch(whole.url)).bytes())).toBe(await whole.sha256());
  });

  test('status: an error status', async () => {
    const { response } = await faulty({ kind: 'status', status: 503, retryAfter: 7 });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7']);
  });

  test('short: fewer bytes than declared', async () => {
    const { response, length } = await faulty({ kind: 'short' });
    expect([length, (await response.bytes()).length]).toEqual([SIZE - 1000, SIZE - 1000]);
  });

  test('long: more bytes than declared', async () => {
    const { response, length } = await faulty({ kind: 'long' });
    expect([length, (await response.bytes()).length]).toEqual([SIZE + 1000, SIZE + 1000]);
  });

  test('cut: the connection breaks', async () => {
    const { length, bytes } = await brokenOff({ kind: 'cut' });
    expect([length, bytes]).toEqual([`${SIZE}`, Math.floor(SIZE / 2)]);
  });

  test('no-length: no content-length', async () => {
    const { response, length, whole } = await faulty({ kind: 'no-length' });
    expect(length).toBeNull();
    expect(sha256(await response.bytes())).toBe(await whole.sha256());
  });

  test('cut-no-length: the connection breaks without a content-length', async () => {
    const { length, bytes } = await brokenOff({ kind: 'cut-no-length' });
    expect([length, bytes]).toEqual([undefined, Math.floor(SIZE / 2)]);
  });

  test('html: an HTML page', async () => {
    const { response, length } = await faulty({ kind: 'html' });
    expect([response.status, response.headers.get('content-type'), length]).toEqual([200, 'text/html', SIZE]);
    expect(await response.text()).toMatch(/^<!doctype html>/);
  });

  test('redirect: a redirect', async () => {
    const { response } = await faulty({ kind: 'redirect', to: 'http://169.254.169.254/' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://169.254.169.254/']);
  });

  test('hang: no response', async () => {
    const { response, length } = await faulty({ kind: 'hang' });
    expect(length).toBe(SIZE);
    const reader = response.body!.getReader();
    const silence = Symbol();
    const next = await Promise.race([
      reader.read(),
      new Promise((resolve) => setTimeout(resolve, 100, silence)),
    ]);
    expect(next).toBe(silence);
  });

  /**
   * How many bytes come before the body breaks off; fails if it ends in order. Not by `fetch`, which forgets what was not
   * read yet when the connection breaks.
   */
  async function brokenOff(fault: CdnFault) {
    const { url } = await scripted(fault);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let length: string | undefined;
    let bytes = 0;
    get(url, (response) => {
      length = response.headers['content-length'];
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => reject(new Error('it ended in order')));
      response.on('error', () => resolve());
    }).on('error', reject);
    await promise;
    return { length, bytes };
  }
});

describe('generated outputs', () => {
  test('have the declared size and digest, and start like MP4', async () => {
    sim.script('', { output: { bytes: 1_234_567 } });
    const { url, size, sha256: digest } = await output();
    const bytes = await (await fetch(url)).bytes();
    expect([bytes.length, size]).toEqual([1_234_567, 1_234_567]);
    expect(sha256(bytes)).toBe('6a92169d38522422014caf9e4cf51d098e37f27e32f666966c4d9c51fa706309');
    expect([await digest(), await generatedDigest(1_234_567)]).toEqual([sha256(bytes), sha256(bytes)]);
    const boxes = Buffer.from(bytes);
    expect([boxes.toString('latin1', 4, 12), boxes.toString('latin1', 36, 40)]).toEqual(['ftypisom', 'mdat']);
    expect(boxes.readUInt32BE(0) + boxes.readUInt32BE(32)).toBe(1_234_567);
    const part = await (await fetch(url, { headers: { range: 'bytes=65530-131080' } })).bytes();
    expect(sha256(part)).toBe(sha256(bytes.subarray(65530, 131081)));
  });

  test('of 300 MB are generated only as fast as they are read', async () => {
    const bytes = 300_000_000;
    sim.script('', { output: { bytes } });
    const { url, content } = await output();
    const { read } = content;
    let made = 0;
    content.read = function* (start, end) {
      for (const chunk of read(start, end)) {
        made += chunk.length;
        yield chunk;
      }
    };
    const hash = createHash('sha256');
    let received = 0;
    let lead = 0;
    for await (const chunk of (await fetch(url)).body!) {
      hash.update(chunk);
      received += chunk.length;
      lead = Math.max(lead, made - received);
    }
    expect([made, received]).toEqual([bytes, bytes]);
    expect(lead).toBeLessThan(100_000_000); // what the sockets' buffers hold, 32 MiB and more of them
    expect(hash.digest('hex')).toBe(await generatedDigest(bytes));
  });

  test('can be read concurrently', async () => {
    sim.script('', { output: { bytes: 5000, count: 2 } });
    await output();
    expect(sim.tasks[0]!.outputs.map(({ name }) => name)).toEqual(['0.mp4', '1.mp4']);
  });
});
