// Values by source as counts in bins: round ones of equal width, or a few to each power of ten.
import type { ValuesBySource } from './distributions.ts';
import { formatNumber } from './formatNumber.ts';
import type { Histogram } from './histogramChart.ts';

const BINS = 32; // about

/** Bins from zero to the largest value, of a round whole width. */
export function linearEdges(values: ValuesBySource): number[] {
  const most = [...values.values()].flat().reduce((max, value) => Math.max(max, value), 1);
  const width = roundWidth(most / BINS);
  return Array.from({ length: Math.ceil(most / width) + 1 }, (_, i) => i * width);
}

/** The least of 1, 2, 5 times a power of ten that is not below `width`. */
function roundWidth(width: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(width)));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= width)!;
}

/** Four bins to each power of ten from `least` to 1. */
export function logEdges(least: number): number[] {
  const first = Math.round(4 * Math.log10(least));
  return Array.from({ length: 1 - first }, (_, i) => 10 ** ((first + i) / 4));
}

/** The histogram of each source; what lies outside the edges counts in the first or last bin. */
export function histogramsOf(
  values: ValuesBySource,
  edges: readonly number[],
  note: (median: number) => string = formatNumber,
): Histogram[] {
  return [...values]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({
      name,
      counts: countsOf(own, edges),
      note: `median ${note(quantile(own, 0.5))}`,
    }));
}

function countsOf(values: readonly number[], edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length - 1).fill(0);
  for (const value of values) {
    const above = edges.findIndex((edge) => edge > value);
    counts[above < 0 ? counts.length - 1 : Math.max(0, above - 1)]!++;
  }
  return counts;
}

/** The value that `share` of all do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
