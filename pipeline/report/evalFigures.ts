// The charts of the evaluation: held-out scores by model, benchmark scores with their intervals, and what training changed
// with the interval of the paired difference.
import { HELD_OUT } from '../eval/evalConfig.ts';
import { points } from '../eval/scores/pairedDifference.ts';
import { NEUTRAL } from './chart.ts';
import { differencesOf } from './evalTables.ts';
import { figure } from './figure.ts';
import { formatNats, formatShare } from './formatNumber.ts';
import type { Markup } from './markup.ts';
import { BEFORE, lookOf, TEACHER, type Run } from './readRun.ts';
import { rowChart, type Row, type RowPoint } from './rowChart.ts';
import { taskScores, type Score } from './scoreTables.ts';

const HELD_OUT_SCORES = {
  kl: { caption: 'KL to the teacher, nats', format: formatNats },
  cross_entropy: { caption: 'Cross-entropy of the text, nats', format: formatNats },
  agreement: { caption: 'Agreement on the most probable token', format: formatShare },
};

/** A chart for each score on held-out samples, a row a model. */
export function heldOutFigures(run: Run): Promise<(Markup | undefined)[]> {
  const models = taskScores(run).find(({ task }) => task === HELD_OUT)?.models ?? [];
  return Promise.all(
    Object.entries(HELD_OUT_SCORES).map(async ([key, { caption, format }]) => {
      const rows = models.flatMap(({ name, scores }) => {
        const value = scores.get(key)?.value ?? NaN;
        if (!Number.isFinite(value)) return [];
        const look = isReference(name) ? NEUTRAL : lookOf(run, name);
        return [{ name, note: format(value), points: [{ value, look }] }];
      });
      if (rows.length === 0) return undefined;
      const chart = await rowChart(rows, {
        ...{ id: `eval-${key}`, title: `${caption}, on held-out samples`, description: described(rows) },
        ...{ xTitle: '', marks: 'bars', ...(key === 'agreement' && { format: '.0%' }) },
      });
      return figure(chart, { caption });
    }),
  );
}

/** Scores of the tasks and groups asked for, by model. */
export async function benchmarkFigure(run: Run): Promise<Markup | undefined> {
  const rows = shownTasks(run).flatMap(({ task, metrics, models }) =>
    metrics.map((metric) => {
      const scored = models.flatMap(({ name, scores }) => {
        const score = scores.get(metric);
        return score && Number.isFinite(score.value) ? [{ name, score }] : [];
      });
      return {
        name: `${task} · ${metric}`,
        note: scored
          .filter(({ name }) => name !== TEACHER)
          .map(({ score }) => formatShare(score.value))
          .join(' → '),
        points: scored.map(({ name, score }) => scorePoint(run, name, score)),
      };
    }),
  );
  const drawn = rows.filter((row) => row.points.length > 0);
  if (drawn.length === 0) return undefined;
  const chart = await rowChart(drawn, {
    ...{ id: 'eval-benchmarks', title: 'Benchmark scores', description: described(drawn) },
    ...{ xTitle: 'score, with 95 % interval', format: '.0%', marks: 'points' },
  });
  return figure(chart, { caption: 'Benchmarks, before and after' });
}

/** What training changed in each score, by run. */
export async function differenceFigure(run: Run): Promise<Markup | undefined> {
  const shown = new Set(shownTasks(run).map(({ task }) => task));
  const differences = differencesOf(run).filter(({ task }) => shown.has(task));
  const names = [...new Set(differences.map(({ task, metric }) => `${task} · ${metric}`))];
  if (names.length === 0) return undefined;
  const rows = names.map((name) => {
    const own = differences.filter(({ task, metric }) => `${task} · ${metric}` === name);
    return {
      name,
      note: own.map(({ difference }) => points(difference)).join(', '),
      points: own.map(({ training, difference, interval, isNoise }) => ({
        ...{ value: 100 * difference, interval: [100 * interval[0], 100 * interval[1]] as const },
        ...{ look: lookOf(run, training), isHollow: isNoise },
      })),
    };
  });
  const chart = await rowChart(rows, {
    ...{ id: 'eval-differences', title: 'What training changed in benchmarks', description: described(rows) },
    ...{ xTitle: 'points, with 95 % interval of the paired difference', marks: 'points' },
  });
  return figure(chart, { caption: 'Difference to before training; hollow: may be noise' });
}

/** Benchmarks that no group contains: a group's members are many, and stand in the tables. */
function shownTasks(run: Run) {
  const members = new Set(run.evaluations.flatMap(({ groups }) => Object.values(groups).flat()));
  return taskScores(run).filter(({ task }) => task !== HELD_OUT && !members.has(task));
}

function scorePoint(run: Run, name: string, { value, interval }: Score): RowPoint {
  if (name === BEFORE) return { value, interval, look: NEUTRAL, isHollow: true };
  if (name === TEACHER) return { value, interval, look: NEUTRAL, shape: 'diamond' };
  return { value, interval, look: lookOf(run, name) };
}

function isReference(name: string): boolean {
  return name === BEFORE || name === TEACHER;
}

function described(rows: readonly Row[]): string {
  return `${rows.map(({ name, note }) => `${name}: ${note}`).join('; ')}.`;
}
