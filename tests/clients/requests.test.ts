// Requests, the HTTP client of Python, where scripts/install-test-packages.sh could install it.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPython, runPython } from './python.ts';
import { expectScenario, type Report, type Scene, startScene } from './scenario.ts';

const SCRIPT = fileURLToPath(new URL('requests_scenario.py', import.meta.url));

describe.skipIf(!hasPython('requests'))('requests of Python', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene('requests');
  });
  afterAll(() => scene.close());

  test('all operations, and a prompt with the line ends of Unicode', async () => {
    const target = scene.targetOf('requests', 'a heron\u2028of two\u2029lines');
    const report = (await runPython(SCRIPT, [JSON.stringify(target)])) as Report;
    expectScenario(scene, target, report);
    expect(scene.proxy.lost()).toBe(1);
  });
});
