// Distributions by source, one below the other over a common axis, each as high as its own largest bin: so shapes can be
// compared however many samples a source has, and no source is told by its colour.
import { chart, type ChartAxis, type ChartLayers, type ChartWords } from './chart.ts';
import type { Markup } from './markup.ts';

/** The histogram of one source: `counts[i]` values lie between `edges[i]` and `edges[i + 1]`. */
export interface Histogram {
  name: string;
  counts: readonly number[];
  /** Such as `median 41`. */
  note: string;
}

const ROW_HEIGHT = 42; // pixels
const BARS = 0.52; // of a row; above them stands its name

interface HistogramOptions extends ChartWords {
  edges: readonly number[];
  xTitle: string;
  /** How the edges are spaced. */
  scale?: 'linear' | 'log';
  /** Of the axis, as d3-format has it. */
  format?: string;
}

/** The chart of all `histograms`, whose bins lie between `edges`. */
export function histogramChart(
  histograms: readonly Histogram[],
  { edges, xTitle, scale = 'linear', format = ',d', ...words }: HistogramOptions,
): Promise<Markup> {
  const rows = histograms.length;
  const ticks = scale === 'log' ? { values: edges.filter(isPowerOfTen) } : {};
  const x: ChartAxis = {
    field: 'from',
    type: 'quantitative',
    scale: { type: scale, domain: [edges[0]!, edges.at(-1)!], nice: false },
    axis: { title: xTitle, format, ...ticks },
  };
  const y = (field: string): ChartAxis => ({
    ...{ field, type: 'quantitative' as const, axis: null },
    scale: { domain: [rows, 0], nice: false },
  });
  const names = histograms.map(({ name, note }, row) => ({ name, note, row: row + 0.3 }));
  const text = (field: 'name' | 'note', place: object): ChartLayers[number] => ({
    data: { values: names },
    mark: { type: 'text', baseline: 'alphabetic', ...place },
    encoding: { text: { field }, y: y('row') },
  });
  const layers: ChartLayers = [
    {
      data: { values: histograms.flatMap((histogram, row) => barsOf(histogram, { row, edges })) },
      mark: { type: 'rect', fill: 'var(--line-0)', stroke: 'var(--page)', strokeWidth: 0.5 },
      encoding: { x, x2: { field: 'to' }, y: y('top'), y2: { field: 'bottom' } },
    },
    text('name', { align: 'left', x: 0 }),
    text('note', { align: 'right', x: { expr: 'width' }, color: 'var(--soft)' }),
  ];
  return chart(layers, words, {
    height: rows * ROW_HEIGHT,
    padding: { left: 1, right: 8, top: 4, bottom: 36 },
  });
}

function barsOf({ counts }: Histogram, { row, edges }: { row: number; edges: readonly number[] }) {
  const most = Math.max(...counts, 1);
  return counts.flatMap((count, i) => {
    const bottom = row + 0.95;
    const bar = { from: edges[i], to: edges[i + 1], bottom, top: bottom - (BARS * count) / most };
    return count > 0 ? [bar] : [];
  });
}

function isPowerOfTen(value: number): boolean {
  return Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
}
