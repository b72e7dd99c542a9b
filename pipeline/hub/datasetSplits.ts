// The Parquet files of chosen splits of a dataset on the Hub. Most repositories hold them under one of a few layouts; for
// those that hold CSV or JSON the Hub keeps a converted copy on the branch refs/convert/parquet.
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { cachedSnapshot, fetchSnapshot, type HubSnapshot } from './hubSnapshot.ts';

/** Files of each split, in the order of their rows. */
export interface DatasetSplits {
  /** The commit. */
  revision: string;
  files: Record<string, { name: string; path: string }[]>;
}

const CONVERTED = 'refs/convert/parquet';

/** What is asked for of a dataset. */
export interface WantedSplits {
  /** The dataset's configuration (subset), where it has several. */
  config: string | undefined;
  splits: readonly string[];
}

/**
 * Downloads what is not in the cache yet. When the Hub cannot be reached, what is in the cache has to do.
 * @param progress is told each file before it is downloaded
 * @throws UserError when the Hub cannot be reached, or the dataset or a split is not there.
 */
export async function fetchSplits(
  dataset: string,
  { progress, ...wanted }: WantedSplits & { progress: (line: string) => void },
): Promise<DatasetSplits> {
  const branches = [{}, { revision: CONVERTED }].map((at) => ({
    type: 'dataset' as const,
    name: dataset,
    ...at,
  }));
  let listed: string[] = [];
  const select = (names: string[]) => {
    listed = names.filter((name) => name.endsWith('.parquet'));
    const found = Object.values(filesOf(names, wanted));
    return found.every((files) => files.length > 0) ? found.flat() : [];
  };
  try {
    for (const branch of branches) {
      const snapshot = await fetchSnapshot(branch, { select, progress });
      if (snapshot.files.length > 0) return splitsOf(snapshot, wanted);
    }
  } catch (error) {
    const isOutOfReach = error instanceof UserError && error.cause instanceof TypeError;
    const cached = isOutOfReach ? await Promise.all(branches.map(cachedSnapshot)) : [];
    const whole = cached.find((snapshot) => snapshot && missingFrom(snapshot.files, wanted) === undefined);
    if (whole) return splitsOf(whole, wanted);
    throw error;
  }
  throw missingSplit(dataset, { ...wanted, listed });
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

function missingSplit(
  dataset: string,
  { listed, ...wanted }: WantedSplits & { listed: string[] },
): UserError {
  const missing = missingFrom(listed, wanted)!;
  return new UserError({
    file: dataset,
    field: wanted.config === undefined ? missing : `${wanted.config}.${missing}`,
    problem: 'no Parquet files of this split',
    remedy:
      listed.length > 0 ? `there are ${listed.slice(0, 6).join(', ')}` : 'name local files under "data"',
  });
}
