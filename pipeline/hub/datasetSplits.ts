// The Parquet files of chosen splits of a dataset on the Hub. Most repositories hold them under one of a few layouts; for
// those that hold CSV or JSON the Hub keeps a converted copy on the branch refs/convert/parquet.
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { fetchSnapshot } from './hubSnapshot.ts';

/** Files of each split, in the order of their rows. */
export interface DatasetSplits {
  /** The commit. */
  revision: string;
  files: Record<string, { name: string; path: string }[]>;
}

const CONVERTED = 'refs/convert/parquet';

/**
 * Downloads what is not in the cache yet.
 * @param config the dataset's configuration (subset), where it has several
 * @throws UserError when the Hub cannot be reached, or the dataset or a split is not there.
 */
export async function fetchSplits(
  dataset: string,
  {
    config,
    splits,
    progress,
  }: {
    config: string | undefined;
    splits: readonly string[];
    progress: (line: string) => void;
  },
): Promise<DatasetSplits> {
  const repository = { type: 'dataset' as const, name: dataset };
  let listed: string[] = [];
  const select = (names: string[]) => {
    listed = names.filter((name) => name.endsWith('.parquet'));
    const found = splits.map((split) => splitFiles(names, { config, split }));
    return found.every((files) => files.length > 0) ? found.flat() : [];
  };
  const own = await fetchSnapshot(repository, { select, progress });
  const snapshot =
    own.files.length > 0
      ? own
      : await fetchSnapshot({ ...repository, revision: CONVERTED }, { select, progress });
  const filesOf = (split: string) =>
    splitFiles(snapshot.files, { config, split }).map((name) => ({
      name,
      path: join(snapshot.folder, name),
    }));
  const missing = splits.find((split) => splitFiles(listed, { config, split }).length === 0);
  if (missing !== undefined) throw missingSplit(dataset, { config, missing, listed });
  return {
    revision: snapshot.revision,
    files: Object.fromEntries(splits.map((split) => [split, filesOf(split)])),
  };
}

/**
 * Of a dataset's file names, those of one split: `CONFIG/SPLIT-00000-of-00001.parquet`, `CONFIG/SPLIT/0000.parquet` and
 * the like; without a configuration in `data/`, `default/` or at the top.
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
  return (folders.map(inFolder).find((found) => found.length > 0) ?? []).sort();
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
