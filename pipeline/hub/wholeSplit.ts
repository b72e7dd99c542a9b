// Of the files of a split those that are read together, all of them: one format only, as repositories keep their rows in
// several, and no set of shards with a hole.
import { UserError } from '../config/userError.ts';
import { rowFormat, type RowFormat } from './dataFiles.ts';
import type { DatasetSplit } from './datasetConfigs.ts';

/** Whether the rows of a split are kept in one of these formats. */
export function hasFormat({ files }: DatasetSplit, formats: readonly RowFormat[]): boolean {
  const format = formatOf(files);
  return format !== undefined && formats.includes(format);
}

/**
 * The files in the split's format.
 * @throws UserError naming the shards that are not there
 */
export function wholeSplit(
  dataset: string,
  { split, files, asksFor }: DatasetSplit & { split: string },
): string[] {
  const format = formatOf(files);
  const chosen = files.filter((name) => rowFormat(name) === format);
  const missing = missingShards(chosen).filter(asksFor);
  if (missing.length === 0) return chosen;
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  throw new UserError({
    file: dataset,
    field: 'split',
    value: split,
    problem: `of its files are missing ${missing.slice(0, 3).join(', ')}${more}`,
    remedy: 'to do without them, name those you want: files: "…"',
  });
}

/** Parquet if there is any, else what most of the files are; JSON, which we read, of two that are as many. */
function formatOf(files: readonly string[]): RowFormat | undefined {
  const counts = new Map<RowFormat, number>([['json', 0]]);
  for (const format of files.flatMap((name) => rowFormat(name) ?? []))
    counts.set(format, (counts.get(format) ?? 0) + 1);
  if (counts.has('parquet')) return 'parquet';
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most![1] > 0 ? most![0] : undefined;
}

/** By `STEM-00001-of-00005…`; numbers begin at 0, or at 1 where the last one is as high as the total. */
function missingShards(names: readonly string[]): string[] {
  const sets = new Map<string, { present: Set<number>; total: string; rest: string }>();
  for (const name of names) {
    const [, stem, index, total, rest] = /^(.*[-._])(\d{1,5})-of-(\d{1,5})(.*)$/.exec(name) ?? [];
    if (stem === undefined) continue;
    const set = sets.get(`${stem} ${total!}`) ?? { present: new Set(), total: total!, rest: rest! };
    set.present.add(Number(index));
    sets.set(`${stem} ${total!}`, set);
  }
  return [...sets].flatMap(([key, { present, total, rest }]) => {
    const first = present.has(Number(total)) ? 1 : 0;
    const wanted = Array.from({ length: Number(total) }, (_, i) => i + first);
    const numbers = wanted.filter((number) => !present.has(number));
    const stem = key.slice(0, key.lastIndexOf(' '));
    return numbers.map((number) => `${stem}${String(number).padStart(total.length, '0')}-of-${total}${rest}`);
  });
}
