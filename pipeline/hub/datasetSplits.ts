// The files of chosen splits of a dataset on the Hub, downloaded. The card is fetched first, as it may say which files
// these are (chooseSplits.ts).
import { join } from 'node:path';
import { findText } from '../artifact/optionalFiles.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { chooseSplits, partialSplits, type WantedSplits } from './chooseSplits.ts';
import type { DatasetListing } from './datasetConfigs.ts';
import { isHubError } from './hubErrors.ts';
import { fetchSnapshot, type HubRepository } from './hubSnapshot.ts';

/** Files of each split, in the order of their rows. */
export interface DatasetSplits {
  /** The commit. */
  revision: string;
  files: Record<string, { name: string; path: string }[]>;
}

/** The file that may say which files belong to which split. */
export const CARD = 'README.md';

/**
 * Downloads what is not in the cache yet. When the Hub cannot be reached, what is in the cache has to do.
 * @param progress is told of the downloads, and when rows are missing
 * @throws UserError when the Hub cannot be reached, or the dataset or a split is not there.
 */
export async function fetchSplits(
  dataset: string,
  { progress, ...wanted }: WantedSplits & { progress: Progress },
): Promise<DatasetSplits> {
  const { listing, files } = await chooseSplits(dataset, wanted, (revision) =>
    listDataset(dataset, { revision, progress }),
  );
  for (const split of partialSplits(files))
    progress(
      `${dataset}: the Hub has converted only the beginning of "${split}"; the other rows are missing`,
    );
  const all = new Set(Object.values(files).flat());
  const { repository, commit } = listing;
  const select = (names: string[]) => names.filter((name) => all.has(name));
  const { folder, revision } = await fetchSnapshot(repository, { select, progress, commit });
  const located = Object.entries(files).map(([split, names]) => {
    return [split, names.map((name) => ({ name, path: join(folder, name) }))] as const;
  });
  return { revision, files: Object.fromEntries(located) };
}

async function listDataset(
  name: string,
  { revision, progress }: { revision: string | undefined; progress: Progress },
): Promise<DatasetListing & { repository: HubRepository; commit: string }> {
  let names: string[] = [];
  const repository: HubRepository = { type: 'dataset', name, ...(revision !== undefined && { revision }) };
  const fetchOf = (...wanted: string[]) => {
    const select = (all: string[]) => {
      names = all;
      return all.filter((file) => wanted.includes(file));
    };
    return fetchSnapshot(repository, { select, progress });
  };
  const { folder, revision: commit } = await fetchOf(CARD).catch(async (error: unknown) => {
    if (!isHubError(error, 'not_cached')) throw error;
    const found = await fetchOf(); // a cache that others filled may be without it
    progress(`${name}: its card is not in the cache, so the names of its files decide`);
    return found;
  });
  return { names, card: await findText(join(folder, CARD)), repository, commit };
}
