// Clients of OpenAI's Videos API in Python, where scripts/install-test-packages.sh could install them.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPython, runPython } from '../clients/python.ts';
import { expectScenario, type Report, type Scene, startScene } from '../clients/scenario.ts';

const SCRIPT = fileURLToPath(new URL('client.py', import.meta.url));

describe.skipIf(!hasPython('openai', 'litellm'))('in Python', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene('openai', 'litellm');
  });
  afterAll(() => scene.close());

  test('OpenAI’s SDK, which retries by itself and without a key', async () => {
    const target = scene.targetOf('openai', 'a heron by another book');
    const seen = (await runPython(SCRIPT, ['openai', JSON.stringify(target)])) as Report & {
      models: string[];
    };
    const { models, ...report } = seen;
    expect(models).toEqual(['hailuo-2.3', 'hailuo-2.3-fast']);
    expectScenario(scene, target, report, 'lastEvent');
    expect(scene.proxy.lost()).toBe(1);
  });

  // Importing it alone takes ten seconds of processor time.
  test('LiteLLM', { timeout: 600_000 }, async () => {
    const target = scene.targetOf('litellm', 'a heron of many models');
    const report = (await runPython(SCRIPT, ['litellm', JSON.stringify(target)])) as Report;
    expectScenario(scene, target, report, 'lastEvent', 'deleted');
    expect(scene.proxy.lost()).toBe(2);
  });
});
