// The rows of a task's splits: from files that eval.yaml names under `data`, or from the Hub under the harness's ids.
import { existsSync } from 'node:fs';
import { UserError } from '../../config/userError.ts';
import { fetchSplits } from '../../hub/datasetSplits.ts';
import { readRows } from '../../mix/readRows.ts';
import type { Progress } from '../../terminal/stageProgress.ts';
import { renderTemplate } from './docFields.ts';
import type { Doc } from './evalItem.ts';
import { taskCatalog } from './taskCatalog.ts';
import type { TaskDefinition } from './taskFile.ts';

/** Where data comes from. */
export interface DataOptions {
  /**
   * By task or group, the file of each split: JSON, JSON Lines or Parquet. A group's file names may hold
   * `{{dataset_config}}`, as `mmlu: {test: test/{{dataset_config}}.jsonl}`. What is not named comes from the Hub.
   */
  data?: Record<string, Record<string, string>>;
  /** Where `data` stands, for complaints; default: `data` of eval.yaml. */
  statedIn?: { file: string; field: string };
  /** Is told each file before it is downloaded. */
  progress?: Progress;
}

/** The rows of a split. */
export interface SplitRows {
  rows: Doc[];
  /** File or dataset, for complaints. */
  where: string;
  files: string[];
}

interface NamedTask {
  name: string;
  definition: TaskDefinition;
}

/**
 * The splits that are wanted, by name.
 * @throws UserError when a file or split is not there, empty or broken.
 */
export async function readSplits(
  task: NamedTask,
  options: DataOptions & { wanted: string[] },
): Promise<Record<string, SplitRows>> {
  const read: Record<string, SplitRows> = {};
  for (const { split, where, files } of await locateSplits(task, options)) {
    const rows: Doc[] = [];
    for (const { path } of files) for await (const batch of readRows(path)) rows.push(...batch);
    if (rows.length === 0) throw new UserError({ file: where, problem: `holds no rows for ${task.name}` });
    const names = files.map(({ name }) => name);
    read[split] = { rows: rows.map((row) => withoutBigInts(row) as Doc), where, files: names };
  }
  return read;
}

/** The files of a split on this machine. */
export interface LocatedSplit {
  split: string;
  where: string;
  files: { name: string; path: string }[];
}

/**
 * Where the splits that are wanted lie; downloaded, if they are on the Hub.
 * @throws UserError when a file or split is not there.
 */
export async function locateSplits(
  task: NamedTask,
  { wanted, data = {}, statedIn, progress = () => {} }: DataOptions & { wanted: string[] },
): Promise<LocatedSplit[]> {
  const splits = [...new Set(wanted)];
  const key = await keyFor(task.name, data);
  if (key === undefined) return onHub(task, { splits, progress });
  return splits.map((split) => localFile(task, { key, files: data[key]!, split, statedIn }));
}

/** The entry of `data` that speaks for a task: its own, or that of a group it belongs to. */
async function keyFor(name: string, data: Record<string, unknown>): Promise<string | undefined> {
  const { groups } = await taskCatalog();
  const contains = (group: string): boolean =>
    (groups.get(group)?.tasks ?? []).some((member) => member === name || contains(member));
  return name in data ? name : Object.keys(data).find(contains);
}

async function onHub(
  { definition: { dataset, dataset_config: config } }: NamedTask,
  { splits, progress }: { splits: string[]; progress: Progress },
): Promise<LocatedSplit[]> {
  const { revision, files } = await fetchSplits(dataset, {
    ...{ config, splits, progress },
    formats: ['parquet'], // rows of JSON may lack fields that the harness's copy has as nulls
  });
  return splits.map((split) => ({
    split,
    where: `${dataset}, ${split}`,
    files: files[split]!.map(({ name, path }) => ({ name: `${dataset}@${revision} ${name}`, path })),
  }));
}

function localFile(
  { name, definition: { dataset_config = '' } }: NamedTask,
  {
    key,
    files,
    split,
    statedIn: { file, field: above } = { file: 'eval.yaml', field: 'data' },
  }: { key: string; files: Record<string, string>; split: string; statedIn: DataOptions['statedIn'] },
): LocatedSplit {
  const field = `${above}.${key}.${split}`;
  const pattern = files[split];
  if (pattern === undefined)
    throw new UserError({
      file,
      field,
      problem: `missing, and ${name} reads this split`,
      remedy: `it has ${Object.keys(files).join(', ') || 'none'}`,
    });
  const path = renderTemplate(pattern, { dataset_config });
  if (!existsSync(path)) throw new UserError({ file, field, value: path, problem: 'no such file' });
  return { split, where: path, files: [{ name: path, path }] };
}

/** Parquet's 64-bit integers as numbers: what tasks keep in them are labels and keys. */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBigInts(inner)]));
}
