// Scores of the student before training and of each trained one, with the difference that training made: as data, for
// the page, and as text for the terminal.
import { textTable } from '../terminal/textTable.ts';
import { formatDifference, formatNumber } from './formatNumber.ts';
import { leavesOf, recordsOf, wordsOf } from './jsonRecord.ts';
import { markup, type Markup } from './markup.ts';
import { BEFORE, type Run } from './readRun.ts';
import { table } from './table.ts';

/** A score. */
export interface Score {
  value: number;
  /** To the student before training; undefined where there is none. */
  difference: number | undefined;
  /** In which the true value lies with 95 % confidence, by the standard error; undefined where that is not known. */
  interval: readonly [low: number, high: number] | undefined;
}

/** The scores of one task. */
export interface TaskScores {
  task: string;
  metrics: string[];
  models: { name: string; scores: Map<string, Score> }[];
}

/** The scores of all evaluations, by task. */
export function taskScores({ evaluations }: Pick<Run, 'evaluations'>): TaskScores[] {
  const results = evaluations.map(({ name, manifest }) => ({ name, tasks: recordsOf(manifest.statistics) }));
  const tasks = [...new Set(results.flatMap((result) => Object.keys(result.tasks)))];
  return tasks.map((task) => {
    const models = results.flatMap(({ name, tasks: { [task]: scores } }) =>
      scores ? [{ name, values: numbersOf(leavesOf(scores)), errors: errorsOf(leavesOf(scores)) }] : [],
    );
    const before = models.find(({ name }) => name === BEFORE)?.values;
    return {
      task,
      metrics: [...new Set(models.flatMap(({ values }) => [...values.keys()]))],
      models: models.map(({ name, values, errors }) => ({
        name,
        scores: scoresOf(values, { errors, before: name === BEFORE ? undefined : before }),
      })),
    };
  });
}

/** Scores by metric; lm-eval's `acc,none` is called acc, and standard errors are left to results.json. */
function numbersOf(leaves: ReturnType<typeof leavesOf>): Map<string, number> {
  const scores = leaves.filter(([metric]) => !metric.includes('_stderr,'));
  return new Map(
    scores.map(([metric, value]) => [metric.replace(/,none$/, ''), typeof value === 'number' ? value : NaN]),
  );
}

/** Standard errors by the name of their metric; lm-eval's `acc_stderr,none` is that of `acc,none`. */
function errorsOf(leaves: ReturnType<typeof leavesOf>): Map<string, number> {
  return new Map(
    leaves.flatMap(([metric, value]) =>
      metric.includes('_stderr,') && typeof value === 'number'
        ? [[metric.replace('_stderr,', ',').replace(/,none$/, ''), value]]
        : [],
    ),
  );
}

function scoresOf(
  values: Map<string, number>,
  { errors, before }: { errors: Map<string, number>; before: Map<string, number> | undefined },
): Map<string, Score> {
  return new Map(
    [...values].map(([metric, value]) => {
      const difference = value - (before?.get(metric) ?? NaN);
      const half = 1.96 * (errors.get(metric) ?? NaN);
      const interval = half > 0 ? ([value - half, value + half] as const) : undefined;
      return [metric, { value, difference: difference || undefined, interval }]; // neither NaN nor 0
    }),
  );
}

/** The table of a task. */
export function scoreTable({ task, metrics, models }: TaskScores): Markup {
  return table({
    caption: wordsOf(task),
    head: ['model', ...metrics.map(wordsOf)],
    rows: models.map(
      ({ name, scores }) => [name, ...metrics.map((metric) => cell(scores.get(metric)))] as const,
    ),
  });
}

function cell(score: Score | undefined): Markup | undefined {
  if (!score) return undefined;
  const { value, difference } = score;
  const change =
    difference === undefined ? undefined : markup`<br><small>${formatDifference(difference)}</small>`;
  return markup`${formatNumber(value)}${change}`;
}

/** The same as text, in columns; differences in brackets. */
export function scoreText({ task, metrics, models }: TaskScores): string {
  const rows = models.map(({ name, scores }) => [
    name,
    ...metrics.map((metric) => textCell(scores.get(metric))),
  ]);
  return textTable([[task, ...metrics], ...rows]);
}

function textCell(score: Score | undefined): string {
  if (!score) return '';
  const { value, difference } = score;
  return formatNumber(value) + (difference === undefined ? '' : ` (${formatDifference(difference)})`);
}
