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

interface WantedSplits {
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
  const branches = [{}, { revision: CONVERTED }].map((branch) => ({
    type: 'dataset' as const,
    name: dataset,
    ...branch,
  }));
  let listed: string[] = [];
  const select = (names: string[]) => {
    listed = names.filter((name) => name.endsWith('.parquet'));
    return missingFrom(names, wanted) === undefined
      ? wanted.splits.flatMap((split) => splitFiles(names, { config: wanted.config, split }))
      : [];
  };
  try {
    for (const branch of branches) {
      const snapshot = await fetchSnapshot(branch, { select, progress });
      if (snapshot.files.length > 0) return splitsOf(snapshot, wanted);
    }
  } catch (error) {
    if (!(error instanceof UserError && error.cause instanceof TypeError)) throw error; // the Hub has answered
    for (const branch of branches) {
      const snapshot = await cachedSnapshot(branch);
      if (snapshot && missingFrom(snapshot.files, wanted) === undefined) return splitsOf(snapshot, wanted);
    }
    throw error;
  }
  throw missingSplit(dataset, { config: wanted.config, missing: missingFrom(listed, wanted)!, listed });
}

function missingFrom(names: readonly string[], { config, splits }: WantedSplits): string | undefined {
  return splits.find((split) => splitFiles(names, { config, split }).length === 0);
}

function splitsOf({ folder, revision, files }: HubSnapshot, { config, splits }: WantedSplits): DatasetSplits {
  const located = splits.map((split) => {
    const names = splitFiles(files, { config, split });
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
  { config, missing, listed }: { config: string | undefined; missing: string; listed: string[] },
): UserError {
  return new UserError({
    file: dataset,
    field: config === undefined ? missing : `${config}.${missing}`,
    problem: 'no Parquet files of this split',
    remedy:
      listed.length > 0 ? `there are ${listed.slice(0, 6).join(', ')}` : 'name local files under "data"',
  });
}
