import { expect, test } from 'vitest';
import { compared, interleaved } from '../../bench/pair.ts';
import { median, ratios, spread } from '../../bench/report/statistics.ts';
import { figure, table } from '../../bench/report/table.ts';

test('the median is the middle value, or the mean of the two middle values', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2.5, Number.NaN]);
});

test('ratios are computed per round, so what slows down both changes none', () => {
  const [slow, quick] = [
    [100, 50],
    [200, 100],
  ];
  expect(ratios(slow ?? [], quick ?? [])).toEqual([0.5, 0.5]);
  expect(compared({ rust: slow ?? [], javascript: quick ?? [] }, (value) => value)).toEqual([
    '75.0',
    '150',
    '0.50 (0.50–0.50)',
  ]);
  expect(spread([2, 1, 3])).toEqual([1, 3]);
});

test('the two services are measured first in turns', async () => {
  const order: string[] = [];
  const all = await interleaved(3, async (kind) => order.push(kind));
  expect(order).toEqual(['rust', 'javascript', 'javascript', 'rust', 'rust', 'javascript']);
  expect(all).toEqual({ rust: [1, 4, 5], javascript: [2, 3, 6] });
});

test('a table is formatted as text and as Markdown', () => {
  const rows = [
    ['GET /health', figure(1234.5)],
    ['submit', figure(0.1234)],
  ];
  expect(table(['route', 'ms'], rows)).toBe(
    [
      '| route       |   ms |',
      '| ----------- | ---: |',
      '| GET /health | 1235 |',
      '| submit      | 0.12 |',
    ].join('\n'),
  );
});
