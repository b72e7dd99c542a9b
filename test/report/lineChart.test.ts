// Axes and paths of the chart by hand, and ticks over ranges of all sizes.
import t from 'tap';
import { lineChart } from '../../pipeline/report/lineChart.ts';
import { contentOf } from '../../pipeline/report/markup.ts';
import type { Curve } from '../../pipeline/report/readRun.ts';

const draw = (...curves: Curve[]) =>
  contentOf(
    lineChart(
      curves.map((curve, look) => ({ name: `curve ${look}`, look, curve })),
      { id: 'c', title: 'A chart', xTitle: 'step' },
    ),
  );
const matches = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, found]) => found);

t.test('points are where they should be', (t) => {
  // x: 0 to 10 over 58 to 530; y: 0 to 10 over 220 to 12
  const triangle: Curve = [
    [0, 0],
    [5, 10],
    [10, 5],
  ];
  const svg = draw(triangle, [[5, 5]]);
  t.strictSame(matches(svg, /class="line line-\d" d="(M[^"]+)"/g).slice(0, 2), [
    'M58,220L294,12L530,116',
    'M294,116',
  ]);
  t.match(svg, 'class="line line-1 dots" d="M294,116h0"', 'a point by itself is seen');
  t.strictSame(matches(svg, /<text class="y"[^>]*>([^<]*)/g), ['0', '2', '4', '6', '8', '10']);
  t.strictSame(matches(svg, /<text class="x"[^>]*>([^<]*)/g), ['0', '2', '4', '6', '8', '10', 'step']);
  t.end();
});

t.test('ticks are few and round, and hold all values', (t) => {
  const pairs = ([x0, y0]: [number, number], point: [number, number]): Curve => [[x0, y0], point];
  const cases: Record<string, Curve> = {
    small: pairs([1, 0.00012], [2, 0.00031]),
    large: pairs([1, 3], [100_000, 2_500_000]),
    negative: pairs([3, -1], [4, 1]),
    constant: Array.from({ length: 100 }, (_, i) => [i, 7]),
    zero: [[1, 0]],
  };
  for (const [name, curve] of Object.entries(cases)) {
    const [svg = ''] = draw(curve).split('<figcaption>');
    const heights = matches(svg, /<text class="y" [^>]*y="([^"]+)"/g).map(Number);
    t.ok(heights.length >= 2 && heights.length <= 8, `${name}: ${heights.length} ticks`);
    t.strictSame([heights[0], heights.at(-1)], [220, 12], name);
    for (const height of matches(svg, /[ML][\d.-]+,([\d.-]+)/g).map(Number))
      t.ok(height >= 12 && height <= 220, `${name}: ${height}`);
    for (const step of matches(svg, /<text class="x"[^>]*>([\d.,]+)/g)) t.match(step, /^[\d,]+$/);
  }
  t.end();
});

t.test('nothing to draw', (t) => {
  t.equal(draw(), '');
  t.equal(draw([[1, null]]), '');
  t.end();
});
