// What the manifest of a mix says of it: of every source and of all together, rows, samples and lengths.
import type { TaskOverlap } from './benchmarkOverlap.ts';
import type { Collected } from './collectSource.ts';
import type { Sample } from './tokensArrow.ts';

/** Samples and their lengths. */
export type LengthStatistics = {
  kept: number;
  held_out: number;
  tokens: number;
  /** Tokens that are learned. */
  target_tokens: number;
  mean_tokens: number;
  max_tokens: number;
};

/** What became of a source's rows: those neither kept nor rejected rank above the last one taken. */
export type SourceStatistics = LengthStatistics & {
  rows_read: number;
  /** Samples asked for; fewer are kept when the rows do not yield them. */
  wanted: number;
  /** Rows by reason (trainingSample.ts, datasetFormats.ts), `duplicate`, `near_duplicate` and `benchmark_overlap` too. */
  rejected: Record<string, number>;
  /** Rows by the columns that their conversation is from. */
  columns: Record<string, number>;
};

/** The statistics in the manifest of a mix; `benchmarks` by task, as far as mix.yaml asks for it. */
export type MixStatistics = {
  sources: Record<string, SourceStatistics>;
  total: LengthStatistics;
  benchmarks: Record<string, TaskOverlap>;
};

/** @param samples those of the mix, of all sources */
export function statisticsOf(
  collected: readonly Collected[],
  samples: readonly Sample[],
): Omit<MixStatistics, 'benchmarks'> {
  const sources = collected.map(({ source, wanted, rowsRead, rejected, columns }) => {
    const own = samples.filter((sample) => sample.source === source);
    return [source, { rows_read: rowsRead, rejected, columns, wanted, ...lengthStatistics(own) }] as const;
  });
  return { sources: Object.fromEntries(sources), total: lengthStatistics(samples) };
}

function lengthStatistics(samples: readonly Sample[]): LengthStatistics {
  const lengths = samples.map(({ tokenIds }) => tokenIds.length);
  const tokens = sum(lengths);
  return {
    kept: samples.length,
    held_out: samples.filter(({ split }) => split === 'held_out').length,
    tokens,
    target_tokens: sum(samples.map(({ lossMask }) => sum(lossMask))),
    mean_tokens: samples.length === 0 ? 0 : Math.round((10 * tokens) / samples.length) / 10,
    max_tokens: lengths.reduce((longest, length) => Math.max(longest, length), 0),
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
