// The bytes of a dataset's files that a recipe reads, and how many of them are here already.
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { namesBelow } from '../artifact/namesBelow.ts';
import { UserError } from '../config/userError.ts';
import { CONVERTED, unlessNone } from '../hub/datasetSplits.ts';
import { parseReference } from '../hub/reference.ts';
import { asksForSplit, wantedNames, wantedOf, type WantedFiles } from '../hub/resolveDataset.ts';
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
  if (chosen.length === 0)
    throw new UserError({ field, value: reference, problem: 'has no data files that match' });
  const sum = (some: typeof chosen) => some.reduce((total, { bytes }) => total + bytes, 0);
  return { reference, bytes: sum(chosen), cachedBytes: sum(chosen.filter(({ isCached }) => isCached)) };
}

async function filesOf(wanted: WantedFiles, field: string): Promise<ListedFile[]> {
  const parsed = parseReference(wanted.reference, field);
  if (parsed.kind === 'local') return choose(await localFiles(parsed.path), wanted);
  if (parsed.kind === 'pypi')
    throw new UserError({ field, value: wanted.reference, problem: 'names a model file, not a dataset' });
  return filesOnHub(parsed, wanted);
}

/** As resolveDataset chooses them: of a repository that has none of its own, those of the converted copy. */
async function filesOnHub(
  { repository: name, revision }: { repository: string; revision?: string },
  wanted: WantedFiles,
): Promise<ListedFile[]> {
  const list = (at?: string) =>
    listHubFiles({ type: 'dataset', name, ...(at !== undefined && { revision: at }) });
  const { files } = await list(revision);
  const chosen = choose(files, wanted);
  const isOwn = !asksForSplit(wanted) && choose(files, { reference: name }).length > 0;
  if (chosen.length > 0 || isOwn || revision !== undefined) return chosen;
  const converted = await list(CONVERTED).catch(unlessNone);
  return converted ? choose(converted.files, { ...wanted, split: wanted.split ?? 'train' }) : [];
}

function choose(files: readonly ListedFile[], wanted: WantedFiles): ListedFile[] {
  const names = new Set(
    wantedNames(
      files.map(({ path }) => path),
      wanted,
    ),
  );
  return files.filter(({ path }) => names.has(path));
}

async function localFiles(path: string): Promise<ListedFile[]> {
  const isFile = (await stat(path)).isFile();
  const folder = isFile ? dirname(path) : path;
  const names = isFile ? [basename(path)] : await namesBelow(path);
  return Promise.all(
    names.map(async (name) => ({ path: name, bytes: (await stat(join(folder, name))).size, isCached: true })),
  );
}
