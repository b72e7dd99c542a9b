// Two evaluations side by side: every task and group with each of its metrics, before and after, as data and as a table
// for the terminal.
import { textTable } from '../../terminal/textTable.ts';
import type { EvaluatedGroup } from './evaluationResults.ts';
import type { Score } from './itemScores.ts';
import {
  formatPValue,
  pairedDifference,
  points,
  type PairedDifference,
  type PairedDifferenceOptions,
  type ScorePairs,
} from './pairedDifference.ts';

/** The scores of each task, by item. */
export type ScoresByTask = ReadonlyMap<string, ReadonlyMap<number, Record<string, Score>>>;

/** How one metric of a task or group differs. */
export interface ScoreDifference extends PairedDifference {
  task: string;
  /** Such as `acc,none`. */
  metric: string;
}

/** A group by its tasks, none of them a group. */
export type ComparedGroup = Pick<EvaluatedGroup, 'group' | 'metrics'> & { tasks: readonly string[] };

/** Tasks that both evaluations hold, on the items that both hold; then the groups of which they hold all tasks. */
export function compareScores(
  before: ScoresByTask,
  after: ScoresByTask,
  { groups = [], ...options }: { groups?: readonly ComparedGroup[] } & PairedDifferenceOptions = {},
): ScoreDifference[] {
  const pairs = new Map<string, Map<string, ScorePairs>>();
  for (const [task, items] of before) {
    const other = after.get(task);
    if (other) pairs.set(task, pairsByMetric(items, other));
  }
  const ofTasks = [...pairs].flatMap(([task, metrics]) =>
    [...metrics].map(([metric, pair]) => ({ task, metric, ...pairedDifference([pair], options) })),
  );
  return [...ofTasks, ...groups.flatMap((group) => groupDifferences(group, pairs, options))];
}

/** A row a difference; scores and differences in hundredths. */
export function differenceTable(differences: readonly ScoreDifference[]): string {
  const rows = differences.map(({ task, metric, before, after, difference, interval, pValue, isNoise }) => [
    task,
    metric.replace(/,none$/, ''),
    (100 * before).toFixed(2),
    (100 * after).toFixed(2),
    points(difference),
    `${points(interval[0])} to ${points(interval[1])}`,
    pValue === undefined ? '–' : formatPValue(pValue).replace('= ', ''),
    isNoise ? 'may be noise' : 'more than noise',
  ]);
  return textTable([['task', 'metric', 'before', 'after', 'difference', '95 % interval', 'p', ''], ...rows]);
}

function pairsByMetric(
  before: ReadonlyMap<number, Record<string, Score>>,
  after: ReadonlyMap<number, Record<string, Score>>,
): Map<string, ScorePairs> {
  const shared = [...before.keys()].filter((docId) => after.has(docId));
  const metrics = Object.keys(before.get(shared[0] ?? -1) ?? {});
  const column = (items: ReadonlyMap<number, Record<string, Score>>, metric: string) =>
    shared.map((docId) => items.get(docId)![metric]!);
  return new Map(
    metrics.map((metric) => [metric, { before: column(before, metric), after: column(after, metric) }]),
  );
}

function groupDifferences(
  { group, tasks, metrics }: ComparedGroup,
  pairs: ReadonlyMap<string, ReadonlyMap<string, ScorePairs>>,
  options: PairedDifferenceOptions,
): ScoreDifference[] {
  if (!tasks.every((task) => pairs.has(task))) return [];
  return metrics.flatMap(({ metric, weight_by_size = true }) => {
    const keys = tasks.flatMap((task) => [...pairs.get(task)!.keys()]);
    const reported = [...new Set(keys)].filter((key) => key.startsWith(`${metric},`)).sort();
    return reported.map((key) => {
      const members = tasks.map((task) => pairs.get(task)!.get(key)).filter((pair) => pair !== undefined);
      return { task: group, metric: key, ...pairedDifference(members, { ...options, weight_by_size }) };
    });
  });
}
