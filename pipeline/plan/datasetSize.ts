// The bytes of a dataset's files that a recipe reads, and how many of them are here already.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findText } from '../artifact/optionalFiles.ts';
import { chooseSplits } from '../hub/chooseSplits.ts';
import type { DatasetListing } from '../hub/datasetConfigs.ts';
import { CARD } from '../hub/datasetSplits.ts';
import type { HubRepository } from '../hub/hubErrors.ts';
import {
  datasetReference,
  localFiles,
  matchingFiles,
  wantedOf,
  wantedSplit,
  type WantedFiles,
} from '../hub/resolveDataset.ts';
import type { DatasetSource } from '../hub/sourcesConfig.ts';
import type { ResolvedDataset } from '../hub/sourcesFile.ts';
import { listHubFiles, type ListedFile } from './hubFiles.ts';

export interface DatasetSize {
  reference: string;
  bytes: number;
  cachedBytes: number;
}

/**
 * @param resolved what `make fetch` left, if it has run for this reference
 * @throws UserError when there are no such files.
 */
export async function sizeOfDataset(
  source: DatasetSource,
  { field, resolved }: { field: string; resolved?: ResolvedDataset | undefined },
): Promise<DatasetSize> {
  const wanted = wantedOf(source);
  const { reference } = wanted;
  if (resolved) {
    const bytes = resolved.files.reduce((sum, file) => sum + file.bytes, 0);
    return { reference, bytes, cachedBytes: bytes };
  }
  const chosen = await filesOf(wanted, field);
  const sum = (some: typeof chosen) => some.reduce((total, { bytes }) => total + bytes, 0);
  return { reference, bytes: sum(chosen), cachedBytes: sum(chosen.filter(({ isCached }) => isCached)) };
}

type SizedFile = Pick<ListedFile, 'bytes' | 'isCached'>;

/** As resolveDataset chooses them. */
async function filesOf(wanted: WantedFiles, field: string): Promise<SizedFile[]> {
  const parsed = datasetReference(wanted.reference, field);
  if (parsed.kind === 'hub') return filesOnHub(parsed, { wanted, field });
  const paths = await localFiles(parsed.path, wanted, field);
  return Promise.all(paths.map(async (path) => ({ bytes: (await stat(path)).size, isCached: true })));
}

async function filesOnHub(
  { repository: name, revision }: { repository: string; revision?: string },
  { wanted, field }: { wanted: WantedFiles; field: string },
): Promise<SizedFile[]> {
  const at = (commit?: string): HubRepository => ({
    ...{ type: 'dataset', name },
    ...(commit !== undefined && { revision: commit }),
  });
  if (wanted.files !== undefined) {
    const { files } = await listHubFiles(at(revision));
    return named(matchingFiles(namesOf(files), { glob: wanted.files, field }), files);
  }
  const splits = { ...wantedSplit(wanted), revision };
  const { listing, files } = await chooseSplits(name, splits, (commit) => listDataset(at(commit)));
  return named(Object.values(files).flat(), listing.files);
}

async function listDataset(repository: HubRepository): Promise<DatasetListing & { files: ListedFile[] }> {
  const card = (names: string[]) => names.filter((file) => file === CARD);
  const { folder, files } = await listHubFiles(repository, { fetch: card });
  return { files, names: namesOf(files), card: await findText(join(folder, CARD)) };
}

function namesOf(files: readonly ListedFile[]): string[] {
  return files.map(({ path }) => path);
}

function named(names: readonly string[], files: readonly ListedFile[]): ListedFile[] {
  const wanted = new Set(names);
  return files.filter(({ path }) => wanted.has(path));
}
