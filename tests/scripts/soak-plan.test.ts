// The jobs of a soak are drawn from its seed.
import { expect, test } from 'vitest';
import { STAGES } from '../../scripts/soak/faults.ts';
import { plan } from '../../scripts/soak/plan.ts';

const jobs = plan(2000, 7);

test('the same seed gives the same jobs, another seed gives others', () => {
  // Edits of rows are functions, which are new but equal each time.
  const drawn = (seed: number) => JSON.stringify(plan(200, seed));
  expect(drawn(7)).toBe(drawn(7));
  expect(drawn(8)).not.toBe(drawn(7));
});

test('about a third of the jobs have one or two faults, and each fault occurs', () => {
  const faulted = jobs.filter(({ faults }) => faults.length > 0);
  expect(faulted.length / jobs.length).toBeCloseTo(1 / 3, 1);
  expect(Math.max(...faulted.map(({ faults }) => faults.length))).toBe(2);
  const met = new Set(faulted.flatMap(({ faults }) => faults));
  expect([...met].toSorted()).toEqual(
    STAGES.flat()
      .map(({ name }) => name)
      .toSorted(),
  );
});

test('the first fault that prevents completion decides the expected end', () => {
  const endings = Object.fromEntries(STAGES.flat().map(({ name, ending }) => [name, ending]));
  for (const { faults, ending } of jobs) {
    const [first = 'completed', second = 'completed'] = faults.map((name) => endings[name]);
    expect(ending).toBe(first === 'completed' ? second : first);
  }
});

test('no prompt contains another, and all videos differ', () => {
  const prompts = jobs.map(({ prompt }) => prompt);
  for (const prompt of prompts.slice(0, 30)) {
    expect(prompts.filter((other) => other.includes(prompt))).toEqual([prompt]);
  }
  expect(new Set(jobs.map(({ scripts }) => scripts[0]?.output?.bytes)).size).toBe(jobs.length);
});

test('one job in five has an image, as a file or as a URL of its own', () => {
  const pictures = jobs.flatMap(({ picture }) => picture ?? []);
  expect(pictures.length / jobs.length).toBeCloseTo(1 / 5, 1);
  const links = pictures.filter((picture) => typeof picture === 'string');
  expect(links.length / pictures.length).toBeCloseTo(1 / 3, 1);
  expect(new Set(links).size).toBe(links.length);
});
