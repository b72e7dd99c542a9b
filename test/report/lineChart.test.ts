// Curves as drawn by Vega-Lite, read back from the SVG: where points are, gaps, and what a long curve becomes.
import t from 'tap';
import { lineChart, stepsPerPoint } from '../../pipeline/report/lineChart.ts';
import { contentOf } from '../../pipeline/report/markup.ts';
import type { Curve } from '../../pipeline/report/readCurves.ts';

const draw = async (...curves: Curve[]) => {
  const named = curves.map((curve, look) => ({ name: `curve ${look}`, look, curve }));
  return contentOf(await lineChart(named, { id: 'c', title: 'A chart' }));
};

/** The points of each line, by its colour. */
function pathsOf(svg: string, look: number): number[][] {
  const path = new RegExp(`<path [^>]*d="([^"]*)"[^>]*stroke="var\\(--line-${look}\\)"`).exec(svg)?.[1] ?? '';
  return [...path.matchAll(/[ML]([\d.-]+),([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

t.test('points are where they should be', async (t) => {
  // the plot is 284 by 150: x from 0 to 10, y from 0 to 10 downwards
  const svg = await draw([
    [0, 0],
    [5, 10],
    [10, 5],
  ]);
  t.strictSame(pathsOf(svg, 0), [
    [0, 150],
    [142, 0],
    [284, 75],
  ]);
  t.match(svg, '<title id="c-title">A chart</title>');
  t.match(svg, 'curve 0: 0 at step 0, 5 at step 10.');
  t.notMatch(svg, /id="(?!c-)|url\(|#[0-9a-f]{3,6}"/, 'nothing refers to ids, no colour is fixed');
});

t.test('a gap where a value was not finite', async (t) => {
  const svg = await draw([
    [0, 0],
    [1, 1],
    [2, null],
    [3, 1],
    [4, 2],
  ]);
  const path = /<path [^>]*d="([^"]*)"[^>]*stroke="var\(--line-0\)"/.exec(svg)?.[1];
  t.match(path, /^M[^ML]+L[^ML]+M[^ML]+L[^ML]+$/);
});

t.test('runs share the axes and differ in dashes', async (t) => {
  const one: Curve = [
    [0, 0],
    [10, 10],
  ];
  const half: Curve = [
    [0, 0],
    [5, 5],
  ];
  const svg = await draw(one, half);
  t.strictSame(pathsOf(svg, 1), [
    [0, 150],
    [142, 75],
  ]);
  t.match(svg, /stroke-dasharray="6,3"/);
});

t.test('a long curve is drawn as means of equal groups', async (t) => {
  const long: Curve = Array.from({ length: 1000 }, (_, i) => [i + 1, i % 2 === 0 ? 0 : 10]);
  t.equal(stepsPerPoint(long), 5);
  const svg = await draw(long, [
    [1, 0],
    [1000, 10],
  ]);
  const points = pathsOf(svg, 0);
  t.equal(points.length, 200);
  for (const [, y] of points.slice(0, 4)) t.ok(Math.abs(y! - 75) < 20, 'between both');
});

t.test('nothing to draw', async (t) => {
  t.equal(await draw(), '');
  t.equal(await draw([[1, null]]), '');
});
