// What a gateway in front of Wiro may want: the length of a request before its body. And one that answers before it has read
// the body, while the caller still sends.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectProblem, INVALID_PARAMETER, refused } from '../support/refusals.ts';
import { FRAMINGS, formBody, submitForm } from '../support/requests/bodies.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import { slowClient } from '../support/requests/slow-clients.ts';
import {
  bytesAt,
  FORM_TYPE,
  filePart,
  UPLOAD,
  upload,
  uploadCalls,
  uploaded,
} from '../support/requests/uploads.ts';
import { onlyRun } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
  // The folder is made.
  await uploaded(service, filePart(picture('image/png', 100)));
});
afterAll(() => service?.close());
beforeEach(() => {
  service.sim.refusesChunked = false;
});

describe('where a request without its length is answered 411', () => {
  beforeEach(() => {
    service.sim.refusesChunked = true;
  });

  test.for(FRAMINGS)('a Run with a picture is taken, %s', async (framing) => {
    const prompt = `a tram with a number, ${framing}`;
    const frame = { name: 'inputImageFirst', value: picture('image/png', MIB), filename: 'a.png' };
    const answer = await submitForm(service, [{ name: 'prompt', value: prompt }, frame], framing);
    expect(answer.status).toBe(202);
    expect(onlyRun(service.sim, prompt)).toMatchObject({
      headers: { 'content-length': expect.stringMatching(/^\d+$/) },
      file: { sha256: sha256(frame.value) },
    });
  });

  test.for(FRAMINGS)('a file of 3 MiB is taken, %s', async (framing) => {
    const value = picture('image/jpeg', 3 * MIB);
    const before = uploadCalls(service).length;
    const { url } = await uploaded(service, { ...filePart(value), filename: 'tram.jpg' }, framing);
    expect(sha256(await bytesAt(service, url))).toBe(sha256(value));
    const calls = uploadCalls(service).slice(before);
    // Whose length is not known at first is sent again when it is.
    expect(calls.map(({ status }) => status)).toEqual(framing === 'streamed' ? [411, 200] : [200]);
    expect(calls.at(-1)?.headers).not.toHaveProperty('transfer-encoding');
  });

  test('a file that is too large to be held is refused: its end is not known before it has come', async () => {
    const answer = await upload(service, [filePart(picture('image/png', 6 * MIB))]);
    await expectProblem(answer, [502, 'upstream_error']);
  });
});

test('a small form that is wrong behind its file asks Wiro for nothing', async () => {
  const parts = [filePart(picture('image/png', 5000)), { name: 'intent', value: 'vision' }];
  await refused(service, INVALID_PARAMETER, () => upload(service, parts));
});

describe('answered before the caller has sent the file, it is sent again as it is:', () => {
  test.for([
    ['for its length', 411],
    ['without the folder', 403],
  ] as const)('%s', async ([_name, status]) => {
    const value = picture('image/webp', 2 * MIB);
    const body = formBody([{ ...filePart(value), filename: 'tram.webp' }]);
    service.sim.script('', { gateway: [{ kind: 'status', status }] });
    const calls = uploadCalls(service).length;
    const files = service.sim.files.length;
    const client = slowClient(service, 'POST /v1/files', [`Content-Type: ${FORM_TYPE}`]);
    await client.send(body.subarray(0, 100_000));
    expect(await service.sim.waitForCall(UPLOAD, calls + 1)).toMatchObject({ status });
    for (let at = 100_000; at < body.length; at += 50_021) await client.send(body.subarray(at, at + 50_021));
    await client.send(new Uint8Array(0));
    expect(await client.status).toBe(200);
    client.socket.destroy();
    expect(service.sim.files).toHaveLength(files + 1);
    expect(sha256(await bytesAt(service, service.sim.files.at(-1)?.url ?? ''))).toBe(sha256(value));
  });
});

describe('an answer whose body comes late, while the caller goes on sending', () => {
  /** Answers the first upload 403 at once, ends that response when the test asks for it, and accepts the second upload. */
  async function startGateway() {
    const stored: Buffer[] = [];
    const letGo = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let uploads = 0;
    const server = createServer(async (request, response) => {
      const row = (list: object) => response.end(JSON.stringify({ result: true, errors: [], list: [list] }));
      if (request.url === '/v1/File/FolderCreate') return void row({ id: 'f1' });
      uploads += 1;
      if (uploads === 1) {
        response.writeHead(403, { 'content-length': 2 }).flushHeaders();
        begun.resolve();
        await letGo.promise;
        return void response.end('no');
      }
      const type = request.headers['content-type'] ?? '';
      const form = await new Response(await buffer(request), {
        headers: { 'content-type': type },
      }).formData();
      stored.push(Buffer.from(await (form.get('file') as File).arrayBuffer()));
      row({ id: 'a', url: 'https://cdn1.wiro.ai/a.png' });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const close = () => new Promise((resolve) => void server.close(resolve).closeAllConnections());
    return { url, stored, letGo: letGo.resolve, begun: begun.promise, close };
  }

  test('loses nothing of the file', async () => {
    const gateway = await startGateway();
    const other = await startService({ vars: { WIRO_API_URL: gateway.url } });
    try {
      const value = picture('image/png', MIB);
      const body = formBody([filePart(value)]);
      const client = slowClient(other, 'POST /v1/files', [`Content-Type: ${FORM_TYPE}`]);
      await client.send(body.subarray(0, 100_000));
      await gateway.begun;
      // The answer's head is on its way: the upload is not read on for it.
      await vi.waitUntil(async () => (await other.fetch('/health')).ok);
      for (let at = 100_000; at < body.length; at += 50_021)
        await client.send(body.subarray(at, at + 50_021));
      gateway.letGo();
      await client.send(new Uint8Array(0));
      expect([await client.status, gateway.stored.map(sha256)]).toEqual([200, [sha256(value)]]);
      client.socket.destroy();
    } finally {
      await other.close();
      await gateway.close();
    }
  });
});
