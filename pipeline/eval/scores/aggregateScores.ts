// From items to tasks to groups, as lm-evaluation-harness 0.4.13 aggregates: means with the standard error of the
// mean; instruction-level accuracies over all instructions; groups as the mean over their tasks, weighted by size or
// not, with pooled standard errors.
import type { Score } from './itemScores.ts';

/** A score, or what stands where a standard error cannot be had. */
export type Aggregate = number | 'N/A';

/** The scores of a task under lm-eval's keys: `acc,none`, `acc_stderr,none`. */
export type TaskScores = Record<string, Aggregate>;

/** A task within a group. */
export interface MemberScores {
  scores: TaskScores;
  /** Items that were scored. */
  size: number;
}

/** How a group averages a metric over its tasks. */
export interface GroupMetric {
  metric: string;
  /** Every item counts the same, and not every task. */
  weight_by_size?: boolean;
}

/** The scores of a task from those of its items, all of which hold the same metrics. */
export function aggregateItems(items: readonly Record<string, Score>[]): TaskScores {
  const keys = Object.keys(items[0] ?? {});
  const entries = keys.flatMap((key) => {
    const values = items.map((item) => item[key]!);
    const [metric, filter] = split(key);
    const stderrKey = `${metric}_stderr,${filter}`;
    const numbers = values.filter((value) => typeof value === 'number');
    return numbers.length === values.length
      ? [[key, mean(numbers)] as const, [stderrKey, standardError(numbers)] as const]
      : [[key, mean(values.flat().map(Number))] as const, [stderrKey, 'N/A'] as const];
  });
  return Object.fromEntries(entries);
}

/** The scores of a group: each metric under every filter that some task reports it with. */
export function aggregateTasks(
  members: readonly MemberScores[],
  metrics: readonly GroupMetric[],
): TaskScores {
  const entries = metrics.flatMap(({ metric, weight_by_size = true }) =>
    filtersOf(metric, members).flatMap((filter) => {
      const [score, stderr] = [`${metric},${filter}`, `${metric}_stderr,${filter}`];
      const having = members.filter(({ scores }) => score in scores);
      return [
        [score, weightedMean(having, { key: score, weight_by_size })] as const,
        [stderr, groupError(having, { key: stderr, weight_by_size })] as const,
      ];
    }),
  );
  return Object.fromEntries(entries);
}

/** Σ x / n */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** The standard error of the mean: the sample's standard deviation (n − 1) over √n. */
function standardError(values: readonly number[]): Aggregate {
  if (values.length < 2) return 'N/A';
  const center = mean(values);
  const variance = sum(values.map((value) => (value - center) ** 2)) / (values.length - 1);
  return Math.sqrt(variance) / Math.sqrt(values.length);
}

function filtersOf(metric: string, members: readonly MemberScores[]): string[] {
  const keys = members.flatMap(({ scores }) => Object.keys(scores)).map(split);
  return [...new Set(keys.filter(([name]) => name === metric).map(([, filter]) => filter))].sort();
}

function weightedMean(
  members: readonly MemberScores[],
  { key, weight_by_size }: { key: string; weight_by_size: boolean },
): number {
  const weights = members.map(({ size }) => (weight_by_size ? size : 1));
  return sum(members.map(({ scores }, i) => Number(scores[key]) * weights[i]!)) / sum(weights);
}

/** Weighted: as if all items were one sample, from the pooled variance. Else: of a mean of independent means. */
function groupError(
  members: readonly MemberScores[],
  { key, weight_by_size }: { key: string; weight_by_size: boolean },
): Aggregate {
  const errors = members.map(({ scores }) => scores[key]).filter((error) => typeof error === 'number');
  if (errors.length < members.length) return 'N/A';
  if (!weight_by_size) return Math.sqrt(sum(errors.map((error) => error ** 2))) / errors.length;
  const items = sum(members.map(({ size }) => size));
  const squares = members.map(({ size }, i) => (size - 1) * errors[i]! ** 2 * size);
  return Math.sqrt(sum(squares) / (items - members.length) / items);
}

function split(key: string): [metric: string, filter: string] {
  const comma = key.indexOf(',');
  return [key.slice(0, comma), key.slice(comma + 1)];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
