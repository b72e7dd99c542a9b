// The Parquet files of chosen splits of a dataset on the Hub. Most repositories hold them under one of a few layouts; for
// those that hold CSV or JSON the Hub keeps a converted copy on the branch refs/convert/parquet.
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { isHubError } from './hubErrors.ts';
import { fetchSnapshot, type HubSnapshot } from './hubSnapshot.ts';

/** Files of each split, in the order of their rows. */
export interface DatasetSplits {
  /** The commit. */
  revision: string;
  files: Record<string, { name: string; path: string }[]>;
}

/** The branch of the converted copy. */
export const CONVERTED = 'refs/convert/parquet';

/** What is asked for of a dataset. */
export interface WantedSplits {
  /** The dataset's configuration (subset), where it has several. */
  config: string | undefined;
  splits: readonly string[];
  /** Branch, tag or commit; the converted copy is of "main" only. */
  revision?: string | undefined;
}

/**
 * Downloads what is not in the cache yet. When the Hub cannot be reached, what is in the cache has to do.
 * @param progress is told of the downloads
 * @throws UserError when the Hub cannot be reached, or the dataset or a split is not there.
 */
export async function fetchSplits(
  dataset: string,
  { progress, ...wanted }: WantedSplits & { progress: Progress },
): Promise<DatasetSplits> {
  const listed: string[] = [];
  const select = (names: string[]) => {
    listed.push(...names);
    const found = Object.values(filesOf(names, wanted));
    return found.every((files) => files.length > 0) ? found.flat() : [];
  };
  const ofRevision = (revision?: string) =>
    fetchSnapshot({ type: 'dataset', name: dataset, ...(revision && { revision }) }, { select, progress });
  const own = await ofRevision(wanted.revision);
  if (own.files.length > 0) return splitsOf(own, wanted);
  const converted = wanted.revision === undefined && (await ofRevision(CONVERTED).catch(unlessNone));
  if (converted && converted.files.length > 0) return splitsOf(converted, wanted);
  throw missingSplit(dataset, { ...wanted, listed });
}

/** Not every dataset has a converted copy, and not every one of these was fetched before going offline. */
export function unlessNone(error: unknown): undefined {
  if (!isHubError(error, 'no_revision', 'not_cached')) throw error;
}

function filesOf(names: readonly string[], { config, splits }: WantedSplits): Record<string, string[]> {
  return Object.fromEntries(splits.map((split) => [split, splitFiles(names, { config, split })]));
}

function missingFrom(names: readonly string[], wanted: WantedSplits): string | undefined {
  return Object.entries(filesOf(names, wanted)).find(([, files]) => files.length === 0)?.[0];
}

function splitsOf({ folder, revision, files }: HubSnapshot, wanted: WantedSplits): DatasetSplits {
  const located = Object.entries(filesOf(files, wanted)).map(([split, names]) => {
    return [split, names.map((name) => ({ name, path: join(folder, name) }))] as const;
  });
  return { revision, files: Object.fromEntries(located) };
}

/**
 * Of a dataset's file names, those of one split: `CONFIG/SPLIT-00000-of-00001.parquet`, `CONFIG/SPLIT/0000.parquet` and
 * the like; without a configuration in `data/`, `default/` or at the top. None when some of them are not there.
 */
export function splitFiles(
  names: readonly string[],
  { config, split }: { config: string | undefined; split: string },
): string[] {
  const folders = config === undefined ? ['data/', 'default/', ''] : [`${config}/`, `data/${config}/`];
  const inFolder = (folder: string) =>
    names.filter(
      (name) => name.startsWith(folder + split) && isRest(name.slice(folder.length + split.length)),
    );
  const found = (folders.map(inFolder).find((some) => some.length > 0) ?? []).sort();
  const [, total = found.length] = /-of-(\d+)/.exec(found[0] ?? '') ?? [];
  return found.length === Number(total) ? found : [];
}

function isRest(rest: string): boolean {
  return /^([-.][\w.-]*|\/[\w.-]+)?\.parquet$/.test(rest);
}

/** @param listed the names of all files that were looked at */
export function missingSplit(
  dataset: string,
  { listed, ...wanted }: WantedSplits & { listed: readonly string[] },
): UserError {
  const missing = missingFrom(listed, wanted)!;
  const parquet = listed.filter((name) => name.endsWith('.parquet'));
  const there = parquet.length > 0 ? parquet : listed;
  return new UserError({
    file: dataset,
    field: wanted.config === undefined ? missing : `${wanted.config}.${missing}`,
    problem: 'no Parquet files of this split',
    remedy: `there are ${there.slice(0, 8).join(', ')}${there.length > 8 ? ` and ${there.length - 8} more` : ''}`,
  });
}
