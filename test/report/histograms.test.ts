// Bins and medians against counting by hand, and where the bars of the chart stand.
import t from 'tap';
import { histogramChart } from '../../pipeline/report/histogramChart.ts';
import { histogramsOf, linearEdges, logEdges, quantile } from '../../pipeline/report/histograms.ts';
import { contentOf } from '../../pipeline/report/markup.ts';

t.test('round bins that hold every value', (t) => {
  for (const most of [1, 7, 31, 32, 33, 128, 999, 4096, 32_768]) {
    const edges = linearEdges(new Map([['a', [0, most]]]));
    t.ok(edges.at(-1)! >= most && edges.length <= 34, `${most}: ${edges.length} edges to ${edges.at(-1)}`);
    t.match(String(edges[1]), /^[125]0*$/, 'of a round width');
  }
  const logs = logEdges(1e-3);
  t.equal(logs.length, 13);
  t.strictSame([logs[0], logs[12]], [1e-3, 1]);
  t.end();
});

t.test('counts and medians by source, in order', (t) => {
  const values = new Map([
    ['b', [0, 1, 2, 3]],
    ['a', [5, -1, 100]],
  ]);
  t.strictSame(histogramsOf(values, [0, 2, 4, 6]), [
    { name: 'a', counts: [1, 0, 2], note: 'median 5' },
    { name: 'b', counts: [2, 2, 0], note: 'median 1' },
  ]);
  t.equal(quantile([4, 1, 3, 2], 0.75), 3);
  t.end();
});

t.test('bars as high as their counts', async (t) => {
  const words = { id: 'h', title: 'T', description: 'D', xTitle: 'x' };
  const svg = contentOf(
    await histogramChart([{ name: '<b>&', counts: [1, 4], note: 'n' }], { ...words, edges: [0, 1, 2] }),
  );
  const bars = [...svg.matchAll(/<path [^>]*>/g)].filter(([path]) => path.includes('fill="var(--line-0)"'));
  const heights = bars.map(([path]) => Number(/d="M[^h]+h[^v]+v([\d.]+)h-/.exec(path)?.[1]));
  t.equal(heights.length, 2);
  t.ok(Math.abs(heights[1]! / heights[0]! - 4) < 0.01, heights.join(' '));
  t.match(svg, '&lt;b>&amp;'.replace('>', '&gt;'));
});
