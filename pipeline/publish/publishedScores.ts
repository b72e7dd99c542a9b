// The scores of a published model before and after training, from comparison.json and results.json of its evaluation, as
// rows of the card and as the `model-index` from which the Hub shows them (huggingface.co/docs/hub/model-cards).
import { join } from 'node:path';
import { findManifest } from '../artifact/manifest.ts';
import { readComparison } from '../eval/scores/comparisonFile.ts';
import { readResults } from '../eval/scores/resultsFile.ts';
import type { PairedDifference } from '../eval/scores/pairedDifference.ts';
import { modelFingerprint } from '../model/checkpoint.ts';

/** One score of the model, and what training changed. */
export interface PublishedScore extends PairedDifference {
  task: string;
  /** As lm-evaluation-harness names it, such as `exact_match,strict-match`. */
  metric: string;
  /** The dataset's name on the Hub, or the task's own name. */
  dataset: string;
}

/**
 * Every score that the evaluation of the training `name` compares with the student before it.
 * @param notice is told when there is none, or one of another model
 * @returns none then
 */
export async function publishedScores(
  run: string,
  { name, model, notice }: { name: string; model: string; notice: (line: string) => void },
): Promise<PublishedScore[]> {
  const folder = join(run, 'eval', name);
  const command = `make eval${name === 'main' ? '' : ` RUN=${name}`}`;
  const lacking = (problem: string) => {
    notice(`${folder}: ${problem}, so the card has no scores; run "${command}" first to have them`);
    return [];
  };
  const manifest = await findManifest(folder);
  const comparison = await readComparison(folder);
  if (!manifest || !comparison) return lacking('no evaluation');
  if (manifest.inputs.model !== (await modelFingerprint(model)))
    return lacking('the evaluation of another model');
  const { configs } = await readResults(folder);
  const datasetOf = (task: string) => {
    const path = configs[task]?.dataset_path;
    return typeof path === 'string' ? path : task;
  };
  const heldOut = Object.entries(comparison.held_out).map(([metric, change]) => ({
    ...change,
    ...{ task: 'held_out', metric, dataset: 'held_out' },
  }));
  return [...heldOut, ...comparison.benchmarks.map((row) => ({ ...row, dataset: datasetOf(row.task) }))];
}

/** Before, after, difference with its interval, and whether it may be noise: the benchmarks' scores in hundredths. */
export function scoreRows(scores: readonly PublishedScore[]): string[][] {
  const rows = scores.map(({ task, metric, before, after, difference, interval, items, isNoise }) => {
    const shown = (value: number) => (task === 'held_out' ? value.toFixed(4) : (100 * value).toFixed(2));
    const signed = (value: number) => `${value > 0 ? '+' : ''}${shown(value)}`;
    return [
      ...[titleOf(task), metric.replace(/,none$/, ''), String(items), shown(before), shown(after)],
      `${signed(difference)} (${signed(interval[0])} to ${signed(interval[1])})`,
      isNoise ? 'may be noise' : 'more than noise',
    ];
  });
  return [['task', 'metric', 'items', 'before', 'after', 'difference (95 % interval)', ''], ...rows];
}

/** The scores after training, one result a task. */
export function modelIndex(name: string, scores: readonly PublishedScore[]): object[] {
  const tasks = [...new Set(scores.map(({ task }) => task))];
  const results = tasks.map((task) => {
    const own = scores.filter((score) => score.task === task);
    return {
      task: { type: 'text-generation' },
      dataset: { name: titleOf(task), type: own[0]!.dataset },
      metrics: own.map(({ metric, after }) => ({
        ...{ type: metric.split(',')[0]!, value: after, name: metric.replace(/,none$/, '') },
      })),
    };
  });
  return [{ name, results }];
}

function titleOf(task: string): string {
  return task === 'held_out' ? 'held-out samples' : task;
}
