// What training changed, and whether that is more than noise: the difference of a score between two models on the same
// items, with a percentile bootstrap over items (Efron and Tibshirani 1993) and, for accuracies, McNemar's exact test.
// Pairing removes how hard the items are; of a group's tasks each is resampled by itself, as its items are its own.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { Score } from './itemScores.ts';
import { mcNemarTest } from './mcNemar.ts';

/** The scores of one task's items before and after, in the same order. */
export interface ScorePairs {
  before: readonly Score[];
  after: readonly Score[];
  /** How much each item counts, for scores that are means over what an item holds; without it the same. */
  weights?: readonly number[];
}

/** How a score differs between two models. */
export interface PairedDifference {
  before: number;
  after: number;
  /** after - before */
  difference: number;
  /** In which the true difference lies with 95 % confidence. */
  interval: [low: number, high: number];
  /** McNemar's, for scores that are right or wrong, where every item counts the same. */
  pValue: number | undefined;
  items: number;
  /** Whether the difference may well be chance: the interval holds 0, or the test does not reject at 5 %. */
  isNoise: boolean;
}

/** How differences are measured. */
export interface PairedDifferenceOptions {
  /** Every item counts the same, and not every task. */
  weight_by_size?: boolean;
  resamples?: number;
  seed?: number;
}

/** The difference over one task, or over all tasks of a group. */
export function pairedDifference(
  tasks: readonly ScorePairs[],
  { weight_by_size = true, resamples = 10_000, seed = 0 }: PairedDifferenceOptions = {},
): PairedDifference {
  const strata = tasks.map(stratumOf);
  const total = strata.reduce((sum, { count }) => sum + count, 0);
  const weights = strata.map(({ count }) => (weight_by_size ? count / total : 1 / strata.length));
  const weighted = (value: (stratum: Stratum) => number) =>
    strata.reduce((sum, stratum, i) => sum + weights[i]! * value(stratum), 0);
  const random = xoroshiro128plus(seed);
  const drawn = Float64Array.from({ length: resamples }, () =>
    weighted((stratum) => resampledDifference(stratum, random)),
  ).sort();
  const interval: [number, number] = [quantile(drawn, 0.025), quantile(drawn, 0.975)];
  const pValue = weight_by_size || tasks.length === 1 ? testedBy(tasks) : undefined;
  const holdsZero = interval[0] <= 0 && interval[1] >= 0;
  return {
    before: weighted(({ before, count }) => before / count),
    after: weighted(({ after, count }) => after / count),
    difference: weighted(({ before, after, count }) => (after - before) / count),
    interval,
    pValue,
    items: strata.reduce((sum, { changes }) => sum + changes.length, 0),
    isNoise: holdsZero || (pValue !== undefined && pValue >= 0.05),
  };
}

/** `+4.40 points (95 % interval +1.20 to +7.60, p = 0.007): more than noise`, for scores from 0 to 1. */
export function differenceSentence({ difference, interval, pValue, isNoise }: PairedDifference): string {
  const test = pValue === undefined ? '' : `, p ${formatPValue(pValue)}`;
  const range = `95 % interval ${points(interval[0])} to ${points(interval[1])}${test}`;
  return `${points(difference)} points (${range}): ${isNoise ? 'may be noise' : 'more than noise'}`;
}

/** A difference of scores in hundredths, with its sign. */
export function points(value: number): string {
  const text = (100 * value).toFixed(2);
  return Number(text) > 0 ? `+${text}` : text.replace(/^-(0\.00)$/, '$1');
}

/** `= 0.012`, or what it is below. */
export function formatPValue(pValue: number): string {
  return pValue < 0.001 ? '< 0.001' : `= ${pValue.toFixed(3)}`;
}

/** A task's items as sums: an item may hold several verdicts, which are drawn together. */
interface Stratum {
  before: number;
  after: number;
  /** Verdicts, one an item but for lists, times the weights. */
  count: number;
  /** By item. */
  changes: Float64Array;
  counts: Float64Array;
}

function stratumOf({ before, after, weights }: ScorePairs): Stratum {
  if (before.length !== after.length || before.length === 0)
    throw new RangeError(`${before.length} items before and ${after.length} after cannot be paired`);
  const weight = (i: number) => weights?.[i] ?? 1;
  const counts = Float64Array.from(
    before,
    (score, i) => weight(i) * (typeof score === 'number' ? 1 : score.length),
  );
  const sumsAfter = Float64Array.from(after, (score, i) => weight(i) * sumOf(score));
  const sumsBefore = Float64Array.from(before, (score, i) => weight(i) * sumOf(score));
  return {
    before: sum(sumsBefore),
    after: sum(sumsAfter),
    count: sum(counts),
    changes: sumsAfter.map((value, i) => value - sumsBefore[i]!),
    counts,
  };
}

function sumOf(score: Score): number {
  return typeof score === 'number' ? score : score.filter(Boolean).length;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The difference on as many items, drawn with replacement. */
function resampledDifference({ changes, counts }: Stratum, random: RandomGenerator): number {
  const n = changes.length;
  let change = 0;
  let count = 0;
  for (let draw = 0; draw < n; draw++) {
    const i = Math.floor(((random.next() >>> 0) / 2 ** 32) * n);
    change += changes[i]!;
    count += counts[i]!;
  }
  return change / count;
}

/** The quantile of sorted values, linear between neighbours. */
function quantile(values: Float64Array, share: number): number {
  const place = share * (values.length - 1);
  const below = Math.floor(place);
  const low = values[below]!;
  return low + (place - below) * ((values[below + 1] ?? low) - low);
}

function testedBy(tasks: readonly ScorePairs[]): number | undefined {
  const before = tasks.flatMap((task) => task.before);
  const after = tasks.flatMap((task) => task.after);
  if (![...before, ...after].every((score) => score === 0 || score === 1)) return undefined;
  return mcNemarTest({
    gained: after.filter((score, i) => score === 1 && before[i] === 0).length,
    lost: after.filter((score, i) => score === 0 && before[i] === 1).length,
  });
}
