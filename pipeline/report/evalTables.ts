// The tables of the evaluation: what training changed and whether it is noise, the published scores of the recipe's
// original beside ours, and the benchmark items that occur in the training mix.
import { HELD_OUT } from '../eval/evalConfig.ts';
import { formatPValue, points, type PairedDifference } from '../eval/scores/pairedDifference.ts';
import { formatNats, formatNumber, formatShare, NO_VALUE } from './formatNumber.ts';
import { wordsOf } from './jsonRecord.ts';
import { markup, type Markup } from './markup.ts';
import { BEFORE, type Run } from './readRun.ts';
import { taskScores } from './scoreTables.ts';
import { table } from './table.ts';

/** A difference and whose it is. */
export interface RunDifference extends PairedDifference {
  training: string;
  task: string;
  /** Without lm-eval's `,none`. */
  metric: string;
}

/** All differences to the student before training, those on held-out samples first. */
export function differencesOf({ evaluations }: Pick<Run, 'evaluations'>): RunDifference[] {
  return evaluations.flatMap(({ name: training, comparison }) => [
    ...Object.entries(comparison?.held_out ?? {}).map(([metric, difference]) => {
      return { ...difference, training, task: HELD_OUT, metric };
    }),
    ...(comparison?.benchmarks ?? []).map(({ metric, ...difference }) => {
      return { ...difference, training, metric: metric.replace(/,none$/, '') };
    }),
  ]);
}

/** In words: `more than noise` or `may be noise`. */
export function verdictOf({ isNoise }: Pick<PairedDifference, 'isNoise'>): string {
  return isNoise ? 'may be noise' : 'more than noise';
}

/** Values, difference, interval and verdict; benchmarks in per cent and points, nats as they are. */
export function differenceTexts({
  task,
  metric,
  ...own
}: RunDifference): Record<'before' | 'after' | 'difference' | 'interval', string> {
  const isShare = task !== HELD_OUT || metric === 'agreement';
  const value = isShare ? formatShare : formatNats;
  const change = isShare ? points : (nats: number) => (nats > 0 ? '+' : '') + formatNats(nats);
  return {
    before: value(own.before),
    after: value(own.after),
    difference: `${change(own.difference)}${isShare ? ' points' : ''}`,
    interval: `${change(own.interval[0])} to ${change(own.interval[1])}`,
  };
}

/** A row for each score that training may have changed. */
export function differenceTable(run: Run): Markup | undefined {
  const differences = differencesOf(run);
  if (differences.length === 0) return undefined;
  return table({
    caption: 'What training changed',
    head: ['run', 'task', 'score', 'before', 'after', 'difference', '95 % interval', 'p', 'verdict'],
    rows: differences.map((each) => {
      const { before, after, difference, interval } = differenceTexts(each);
      const test = each.pValue === undefined ? NO_VALUE : formatPValue(each.pValue).replace('= ', '');
      return [
        each.training,
        wordsOf(each.task),
        wordsOf(each.metric),
        ...[number(before), number(after), number(difference), number(interval), number(test)],
        each.isNoise ? verdictOf(each) : markup`<b>${verdictOf(each)}</b>`,
      ] as const;
    }),
    text: ['verdict'],
  });
}

/** Text that stands right, as numbers do. */
function number(text: string): Markup {
  return markup`${text}`;
}

/** What the recipe's original published, beside ours of the same metric. */
export function publishedTable(run: Run): Markup | undefined {
  if (!run.expected) return undefined;
  const { scores, before, after, source, notes } = run.expected;
  const tasks = new Map(taskScores(run).map((each) => [each.task, each]));
  const ours = (task: string, metric: string | undefined, model: string) => {
    const models = tasks.get(task)?.models ?? [];
    const score = models.find(({ name }) => name === model)?.scores.get(metric?.replace(/,none$/, '') ?? '');
    return score && number((100 * score.value).toFixed(2));
  };
  const models = [BEFORE, ...run.trainings.map(({ name }) => name)];
  const rows = scores.map(
    ({ task, metric, name, shots, ...published }) =>
      [
        name ?? task,
        markup`${metric?.replace(/,none$/, '') ?? 'not said'}`,
        shots,
        ...[number(published.before.toFixed(2)), number(published.after.toFixed(2))],
        number(points((published.after - published.before) / 100)),
        ...models.map((model) => ours(task, metric, model)),
      ] as const,
  );
  return markup`${table({
    caption: 'Published scores of the original, and ours, in per cent',
    head: [
      'task',
      'metric',
      'shots',
      'published before',
      'published after',
      'difference',
      ...models.map((model) => `our ${model}`),
    ],
    rows,
    text: ['metric'],
  })}<p><small>Published for ${before} and ${after}, at ${source}. ${notes.join(' ')}</small></p>
`;
}

/** The tasks of which items share a run of words with the training mix. */
export function contaminationTable({ evaluations }: Run): Markup | undefined {
  const found = new Map(
    evaluations.flatMap(({ comparison }) => Object.entries(comparison?.contamination ?? {})),
  );
  if (found.size === 0) return undefined;
  const rows = [...found].filter(([, { ids }]) => ids.length > 0);
  if (rows.length === 0)
    return markup`<p>No item of the ${formatNumber(found.size)} benchmark tasks shares 13 words in a row with the training mix.</p>\n`;
  return table({
    caption: 'Items that share 13 words in a row with the training mix',
    head: ['task', 'items', 'found', 'share'],
    rows: rows.map(
      ([task, { items, ids }]) =>
        [...([task, items, ids.length] as const), number(formatShare(ids.length / items))] as const,
    ),
  });
}
