// Each official client in each protocol version: handshake, list of tools, all reading tools, one video.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { type Agent, connect, connectSdk, linkOf, type Version, videoOf } from './agents.ts';

const TOOLS = [
  'create_video',
  'wait_for_video',
  'get_video',
  'list_videos',
  'cancel_video',
  'list_models',
  'get_usage',
];

let service: Service;
let alice: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  alice = service.as(ALICE);
});
afterAll(() => service.close());

const agents: [string, Version, () => Promise<Agent>][] = [
  ['@modelcontextprotocol/client', '2026-07-28', () => connect(alice, '2026-07-28')],
  ['@modelcontextprotocol/client, left to itself,', '2026-07-28', () => connect(alice)],
  ['@modelcontextprotocol/client', '2025-11-25', () => connect(alice, '2025-11-25')],
  ['@modelcontextprotocol/client', '2025-06-18', () => connect(alice, '2025-06-18')],
  ['@modelcontextprotocol/sdk', '2025-11-25', () => connectSdk(alice)],
  ['@modelcontextprotocol/sdk', '2025-06-18', () => connectSdk(alice, '2025-06-18')],
];

describe.each(agents)('%s in version %s', (_name, version, open) => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await open();
  });
  afterAll(() => agent.close());

  test('negotiates the version and gets the server’s name', async () => {
    const { version: ours } = await (await service.fetch('/health')).json();
    expect(agent.version).toBe(version);
    expect(agent.server).toMatchObject({ name: 'hailuo-worker', version: ours });
    expect(agent.instructions).toContain('wait_for_video');
  });

  test('lists the tools with schemas and annotations', async () => {
    const tools = await agent.tools();
    expect(tools.map(({ name }) => name)).toEqual(TOOLS);
    for (const tool of tools) {
      expect(tool).toMatchObject({
        title: expect.stringMatching(/\w/),
        description: expect.stringMatching(/\w/),
        inputSchema: { type: 'object', additionalProperties: false },
        outputSchema: { type: 'object' },
        annotations: {
          readOnlyHint: expect.any(Boolean),
          destructiveHint: expect.any(Boolean),
          idempotentHint: expect.any(Boolean),
          openWorldHint: expect.any(Boolean),
        },
      });
    }
  });

  test('creates a video and gets its link', async () => {
    // The client checks every result against the tool's output schema, which it has listed.
    await agent.tools();
    const result = await agent.call('create_video', { prompt: `a heron that speaks ${version}` });
    const video = videoOf(result);
    expect(video).toMatchObject({ object: 'video', status: 'completed', progress: 100 });
    expect(linkOf(result)).toMatchObject({ uri: video.urls.content, mimeType: 'video/mp4' });
    expect(videoOf(await agent.call('get_video', { id: video.id }))).toEqual(video);
    const list = (await agent.call('list_videos', { limit: 1 })).structuredContent;
    expect(list).toMatchObject({ object: 'list', data: [{ id: video.id }] });
    expect((await agent.call('list_models')).structuredContent).toMatchObject({
      object: 'list',
      data: [{ id: 'hailuo-2.3' }, { id: 'hailuo-2.3-fast' }],
    });
    expect((await agent.call('get_usage')).structuredContent).toMatchObject({ object: 'usage' });
  });
});
