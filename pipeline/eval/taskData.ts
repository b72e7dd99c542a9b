// The rows of a task's splits: from files that eval.yaml names under `data`, or from the Hub under the harness's ids.
import { existsSync } from 'node:fs';
import { UserError } from '../config/userError.ts';
import { fetchSplits } from '../hub/datasetSplits.ts';
import { readRows } from '../mix/readRows.ts';
import { renderTemplate } from './docTemplate.ts';
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
  /** Is told each file before it is downloaded. */
  progress?: (line: string) => void;
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
  { wanted, data = {}, progress = () => {} }: DataOptions & { wanted: string[] },
): Promise<Record<string, SplitRows>> {
  const named = await filesFor(task, data);
  const splits = [...new Set(wanted)];
  if (named) {
    const entries = splits.map(async (split) => [split, await localSplit(task, named, split)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }
  const { dataset, dataset_config: config } = task.definition;
  const { revision, files } = await fetchSplits(dataset, { config, splits, progress });
  const entries = splits.map(async (split) => {
    const found = files[split]!;
    const rows = await rowsOf(found.map(({ path }) => path));
    const where = `${dataset}, ${split}`;
    return [
      split,
      { rows, where, files: found.map((file) => `${dataset}@${revision} ${file.name}`) },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The entry of `data` for a task: its own, or that of a group it belongs to. */
async function filesFor(
  { name, definition }: NamedTask,
  data: Record<string, Record<string, string>>,
): Promise<{ key: string; files: Record<string, string> } | undefined> {
  const { groups } = await taskCatalog();
  const contains = (group: string): boolean =>
    (groups.get(group)?.tasks ?? []).some((member) => member === name || contains(member));
  const key = name in data ? name : Object.keys(data).find(contains);
  if (key === undefined) return undefined;
  const { dataset_config = '' } = definition;
  const files = Object.entries(data[key]!).map(
    ([split, file]) => [split, renderTemplate(file, { dataset_config })] as const,
  );
  return { key, files: Object.fromEntries(files) };
}

async function localSplit(
  { name }: NamedTask,
  { key, files }: { key: string; files: Record<string, string> },
  split: string,
): Promise<SplitRows> {
  const field = `data.${key}.${split}`;
  const file = files[split];
  if (file === undefined)
    throw new UserError({
      file: 'eval.yaml',
      field,
      problem: `missing, and ${name} reads this split`,
      remedy: `it has ${Object.keys(files).join(', ') || 'none'}`,
    });
  if (!existsSync(file))
    throw new UserError({ file: 'eval.yaml', field, value: file, problem: 'no such file' });
  const rows = await rowsOf([file]);
  if (rows.length === 0) throw new UserError({ file, problem: `holds no rows for ${name}` });
  return { rows, where: file, files: [file] };
}

async function rowsOf(files: string[]): Promise<Doc[]> {
  const rows: Doc[] = [];
  for (const file of files) for await (const batch of readRows(file)) rows.push(...batch);
  return rows.map((row) => withoutBigInts(row) as Doc);
}

/** Parquet's 64-bit integers as numbers: what tasks keep in them are labels and keys. */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBigInts(inner)]));
}
