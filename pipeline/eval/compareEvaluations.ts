// What training changed: two evaluations on the same items, and whether a difference is more than noise; and which items
// of the benchmarks stand in the training mix. Written as comparison.json beside the later one.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMixParquet } from '../mix/mixParquet.ts';
import { textTable } from '../terminal/textTable.ts';
import type { SampleScores } from '../train/heldOut.ts';
import { compareScores, differenceTable, type ScoresByTask } from './scores/compareScores.ts';
import { writeComparison, type Comparison } from './scores/comparisonFile.ts';
import { findOverlap, type Overlap } from './scores/contamination.ts';
import { benchmarksOf, HELD_OUT, type EvalConfig } from './evalConfig.ts';
import { itemTexts } from './prompts/itemTexts.ts';
import { loadTasks, type EvalTask } from './prompts/loadTask.ts';
import { formatPValue, pairedDifference } from './scores/pairedDifference.ts';
import { readSampleScores, samplesPath } from './scores/samplesFile.ts';
import { expandTasks } from './prompts/taskCatalog.ts';

/** Compares the evaluation in `out` with that in `before`, as far as both hold the same tasks; commits comparison.json. */
export async function compareEvaluations(
  config: EvalConfig,
  { out, before, mix }: { out: string; before: string; mix: string },
): Promise<Comparison> {
  const names = benchmarksOf(config);
  const tasks = await loadTasks(names, { data: config.data, numFewshot: 0 }); // shots are not compared
  const { groups } = await expandTasks(names);
  const compared = groups.map(({ name, leaves, metrics }) => ({ group: name, tasks: leaves, metrics }));
  const comparison: Comparison = {
    held_out: config.tasks.includes(HELD_OUT) ? await heldOutDifferences(before, out) : {},
    benchmarks: compareScores(await scoresIn(before, tasks), await scoresIn(out, tasks), {
      groups: compared,
    }),
    contamination: Object.fromEntries(await overlapWithMix(tasks, { mix, limit: config.limit })),
  };
  await writeComparison(out, comparison);
  return comparison;
}

/** The comparison as text for the terminal. */
export function comparisonText({ held_out, benchmarks, contamination }: Comparison): string {
  const found = Object.entries(contamination).filter(([, { ids }]) => ids.length > 0);
  return [
    ...(Object.keys(held_out).length > 0 ? [heldOutTable(held_out)] : []),
    ...(benchmarks.length > 0 ? [differenceTable(benchmarks)] : []),
    ...found.map(
      ([task, { items, ids }]) =>
        `${task}: ${ids.length} of ${items} items share 13 words in a row with the training mix\n`,
    ),
  ].join('\n');
}

const HELD_OUT_SCORES = ['kl', 'cross_entropy', 'agreement'] as const;

/** Each sample counts by its positions, as in the scores. */
async function heldOutDifferences(before: string, after: string): Promise<Comparison['held_out']> {
  const [first, second] = await Promise.all([before, after].map(heldOutSamples));
  const later = new Map(second?.map((sample) => [sample.id, sample]));
  const pairs = (first ?? []).flatMap((sample) => {
    const other = later.get(sample.id);
    return other ? [[sample, other] as const] : [];
  });
  if (pairs.length === 0) return {};
  const weights = pairs.map(([{ positions }]) => positions);
  const difference = (score: (typeof HELD_OUT_SCORES)[number]) =>
    pairedDifference([
      {
        ...{ before: pairs.map(([sample]) => sample[score]), after: pairs.map(([, other]) => other[score]) },
        weights,
      },
    ]);
  return Object.fromEntries(HELD_OUT_SCORES.map((score) => [score, difference(score)]));
}

async function heldOutSamples(folder: string): Promise<SampleScores[] | undefined> {
  const file = join(folder, 'samples_held_out.jsonl');
  if (!existsSync(file)) return undefined;
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as SampleScores);
}

function heldOutTable(differences: Comparison['held_out']): string {
  const signed = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(4)}`;
  const rows = Object.entries(differences).map(([score, { before, after, ...change }]) => [
    ...[score, before.toFixed(4), after.toFixed(4), signed(change.difference)],
    `${signed(change.interval[0])} to ${signed(change.interval[1])}`,
    change.pValue === undefined ? '–' : formatPValue(change.pValue),
    change.isNoise ? 'may be noise' : 'more than noise',
  ]);
  return textTable([[HELD_OUT, 'before', 'after', 'difference', '95 % interval', 'p', ''], ...rows]);
}

async function scoresIn(folder: string, tasks: readonly EvalTask[]): Promise<ScoresByTask> {
  const found = tasks.filter(({ name }) => existsSync(samplesPath(folder, name)));
  const scores = found.map(async ({ name }) => {
    return [name, await readSampleScores(samplesPath(folder, name))] as const;
  });
  return new Map(await Promise.all(scores));
}

/** None where there is no mix. */
async function overlapWithMix(
  tasks: readonly EvalTask[],
  { mix, limit }: { mix: string; limit: number | undefined },
): Promise<Map<string, Overlap>> {
  if (tasks.length === 0 || !existsSync(join(mix, 'mix.parquet'))) return new Map();
  const rows = (await readMixParquet(mix)).filter(({ split }) => split === 'train');
  return findOverlap(
    new Map(tasks.map((task) => [task.name, itemTexts(task, { limit })])),
    rows.map(({ prompt, response }) => `${prompt} ${response}`),
  );
}
