// The scores of a published model before and after training, from comparison.json and results.json of its evaluation, as
// rows of the card and as the `model-index` from which the Hub shows them (huggingface.co/docs/hub/model-cards).
import { basename, join } from 'node:path';
import { findManifest } from '../artifact/manifest.ts';
import { readComparison, type Comparison } from '../eval/scores/comparisonFile.ts';
import type { EvaluationResults } from '../eval/scores/evaluationResults.ts';
import { readResults } from '../eval/scores/resultsFile.ts';
import type { PairedDifference } from '../eval/scores/pairedDifference.ts';
import type { TaskDefinition } from '../eval/prompts/taskFile.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import { makeCommand } from '../report/makeCommand.ts';

/** What the card says of an evaluation. */
export interface PublishedEvaluation {
  scores: PublishedScore[];
  /** Whether the benchmarks' prompts went through the chat template. */
  isChat: boolean;
  /** By task: items that share 13 words in a row with a training text. */
  overlap: Comparison['contamination'];
}

/** One score of the model, and what training changed. */
export interface PublishedScore extends PairedDifference {
  task: string;
  /** As lm-evaluation-harness names it, such as `exact_match,strict-match`. */
  metric: string;
  dataset: ScoredDataset;
  /** Examples in front of each question. */
  shots: number | undefined;
}

/** The dataset's name on the Hub, or the task's own name; configuration and split where there is one. */
interface ScoredDataset {
  type: string;
  config?: string | undefined;
  split?: string | undefined;
}

/**
 * What the evaluation of the training `name` compares with the student before it. A group of tasks stands for its parts,
 * of which there may be dozens.
 * @param notice is told when there is none, or one of another model
 */
export async function publishedScores(
  run: string,
  { name, model, notice }: { name: string; model: string; notice: (line: string) => void },
): Promise<PublishedEvaluation | undefined> {
  const folder = join(run, 'eval', name);
  const command = commandFor('eval', { run, name });
  const lacking = (problem: string) => {
    notice(`${folder}: ${problem}, so the card has no scores; run "${command}" first to have them`);
    return undefined;
  };
  const manifest = await findManifest(folder);
  const comparison = await readComparison(folder);
  if (!manifest || !comparison) return lacking('no evaluation');
  if (manifest.inputs.model !== (await modelFingerprint(model)))
    return lacking('the evaluation of another model');
  const results = await readResults(folder);
  const heldOut = Object.entries(comparison.held_out).map(([metric, change]) => ({
    ...change,
    ...{ task: 'held_out', metric, dataset: { type: 'held_out' }, shots: undefined },
  }));
  const benchmarks = wholes(comparison.benchmarks, results).map((row) => ({
    ...row,
    ...{ dataset: datasetOf(row.task, results), shots: results['n-shot'][row.task] },
  }));
  return {
    scores: [...heldOut, ...benchmarks],
    isChat: typeof results.chat_template === 'string',
    overlap: comparison.contamination,
  };
}

/** The make command of a stage for a training. */
export function commandFor(stage: string, { run, name }: { run: string; name: string }): string {
  return makeCommand({ recipe: basename(run) }, stage, { training: name === 'main' ? undefined : name });
}

/** All rows but those of tasks and groups whose group has a row. */
function wholes(rows: Comparison['benchmarks'], { group_subtasks: groups }: EvaluationResults) {
  const scored = new Set(rows.map(({ task }) => task));
  const parts = new Set(
    Object.entries(groups).flatMap(([group, children]) => (scored.has(group) ? children : [])),
  );
  return rows.filter(({ task }) => !parts.has(task));
}

/** Of a group that which all of its tasks have in common. */
function datasetOf(task: string, { configs, group_subtasks: groups }: EvaluationResults): ScoredDataset {
  const tasksOf = (name: string): string[] => groups[name]?.flatMap(tasksOf) ?? [name];
  const definitions = tasksOf(task).map((name) => (configs[name] ?? {}) as Partial<TaskDefinition>);
  const shared = (value: (definition: Partial<TaskDefinition>) => string | undefined) => {
    const all = new Set(definitions.map(value));
    return all.size === 1 ? [...all][0] : undefined;
  };
  return {
    type: shared(({ dataset }) => dataset) ?? task,
    config: shared(({ dataset_config }) => dataset_config),
    split: shared(({ splits }) => splits?.test ?? splits?.validation),
  };
}

/** Before, after, difference with its interval, and whether it may be noise: the benchmarks' scores in hundredths. */
export function scoreRows(scores: readonly PublishedScore[]): string[][] {
  const rows = scores.map(({ task, metric, shots, before, after, difference, interval, items, isNoise }) => {
    const shown = (value: number) => (task === 'held_out' ? value.toFixed(4) : (100 * value).toFixed(2));
    const signed = (value: number) => `${value > 0 ? '+' : ''}${shown(value)}`;
    return [
      ...[titleOf(task), metric.replace(/,none$/, ''), shots === undefined ? '' : String(shots)],
      ...[String(items), shown(before), shown(after)],
      `${signed(difference)} (${signed(interval[0])} to ${signed(interval[1])})`,
      isNoise ? 'may be noise' : 'more than noise',
    ];
  });
  const head = [
    'task',
    'metric',
    'shots',
    'items',
    'before',
    'after',
    'difference (95 % interval)',
    'change',
  ];
  return [head, ...rows];
}

/** The scores after training, one result a task. */
export function modelIndex(name: string, scores: readonly PublishedScore[]): object[] {
  const tasks = [...new Set(scores.map(({ task }) => task))];
  const results = tasks.map((task) => {
    const own = scores.filter((score) => score.task === task);
    const { dataset, shots } = own[0]!;
    return {
      task: { type: 'text-generation', name: 'Text generation' },
      dataset: {
        name: titleOf(task),
        ...dataset,
        ...(shots !== undefined && { args: { num_few_shot: shots } }),
      },
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
