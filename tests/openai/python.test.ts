// Clients of OpenAI's Videos API in Python, where scripts/install-test-packages.sh could install them.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPython, runPython } from '../clients/python.ts';
import { expectTour, type Report, type Scene, startScene } from '../clients/tour.ts';

const SCRIPT = fileURLToPath(new URL('client.py', import.meta.url));

describe.skipIf(!hasPython('openai', 'litellm'))('in Python', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene('openai', 'litellm');
  });
  afterAll(() => scene.close());

  test('OpenAI’s SDK, which retries by itself and without a key', async () => {
    const way = scene.wayOf('openai', 'a heron by another book');
    const seen = (await runPython(SCRIPT, ['openai', JSON.stringify(way)])) as Report & { models: string[] };
    const { models, ...report } = seen;
    expect(models).toEqual(['hailuo-2.3', 'hailuo-2.3-fast']);
    expectTour(scene, way, report, 'lastEvent');
    expect(scene.proxy.lost()).toBe(1);
  });

  test('LiteLLM', async () => {
    const way = scene.wayOf('litellm', 'a heron of many models');
    const report = (await runPython(SCRIPT, ['litellm', JSON.stringify(way)])) as Report;
    expectTour(scene, way, report, 'lastEvent', 'deleted');
    expect(scene.proxy.lost()).toBe(2);
  });
});
