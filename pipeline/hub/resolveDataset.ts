// From the reference of a dataset to its data files on this machine, with their sums.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { namesBelow } from '../artifact/namesBelow.ts';
import { rememberedSha256 } from '../artifact/rememberedSha256.ts';
import { UserError } from '../config/userError.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { dataFiles } from './dataFiles.ts';
import { fetchSplits, missingSplit, splitFiles } from './datasetSplits.ts';
import { fetchSnapshot } from './hubSnapshot.ts';
import { parseReference } from './reference.ts';
import type { ResolveOptions } from './resolveModel.ts';
import type { DatasetSource } from './sourcesConfig.ts';
import type { ResolvedDataset } from './sourcesFile.ts';

/**
 * Resolves a dataset: a local file, a local folder with data files, or a Hub dataset.
 * @throws UserError for a reference of unknown form, a failed download, or when there are no data files.
 */
export async function resolveDataset(
  source: DatasetSource,
  { field, previous, progress }: ResolveOptions<ResolvedDataset>,
): Promise<ResolvedDataset> {
  const wanted = wantedOf(source);
  const parsed = parseReference(wanted.reference, field);
  if (parsed.kind === 'pypi' || (parsed.kind === 'hub' && parsed.file !== undefined))
    throw new UserError({ field, value: wanted.reference, problem: 'names a model file, not a dataset' });
  const reference = datasetName(source);
  if (parsed.kind === 'local') {
    const select = (names: string[]) => selectFiles(names, { wanted, field });
    return { reference, revision: null, files: await recordAll(await localFiles(parsed.path, select)) };
  }
  if (previous?.reference === reference && (await areIntact(previous.files))) return previous;
  const { revision, paths } = await fetchFiles(parsed, { wanted, field, progress });
  return { reference, revision, files: await recordAll(paths) };
}

/** A dataset as sources.json names it: the reference, and what of it is asked for. */
export function datasetName(source: DatasetSource): string {
  return Object.entries(wantedOf(source))
    .map(([key, value]) => (key === 'reference' ? value : `${key} ${value}`))
    .join(', ');
}

/** What is asked for of a dataset. */
export type WantedFiles = Exclude<DatasetSource, string>;

export function wantedOf(source: DatasetSource): WantedFiles {
  return typeof source === 'string' ? { reference: source } : source;
}

interface Wanted {
  wanted: WantedFiles;
  field: string;
}

/** The data files that are named; of a repository that has none of its own, the split "train" of the converted copy. */
async function fetchFiles(
  { repository: name, revision }: { repository: string; revision?: string },
  { wanted, field, progress }: Wanted & { progress: Progress },
): Promise<{ revision: string; paths: string[] }> {
  if (!asksForSplit(wanted)) {
    const select = (names: string[]) =>
      dataFiles(names).length > 0 ? selectFiles(names, { wanted, field }) : [];
    const snapshot = await fetchSnapshot(
      { type: 'dataset', name, ...(revision !== undefined && { revision }) },
      { select, progress },
    );
    if (snapshot.files.length > 0)
      return {
        revision: snapshot.revision,
        paths: snapshot.files.map((file) => join(snapshot.folder, file)),
      };
  }
  const { config, split = 'train' } = wanted;
  const found = await fetchSplits(name, { config, splits: [split], revision, progress });
  return { revision: found.revision, paths: found.files[split]!.map(({ path }) => path) };
}

export function asksForSplit({ config, split }: WantedFiles): boolean {
  return config !== undefined || split !== undefined;
}

/** Of a dataset's file names those that are asked for, perhaps none. */
export function wantedNames(names: readonly string[], wanted: WantedFiles): string[] {
  const { files: glob, config, split = 'train' } = wanted;
  return asksForSplit(wanted) ? splitFiles(names, { config, split }) : dataFiles(names, glob);
}

function selectFiles(names: readonly string[], { wanted, field }: Wanted): string[] {
  const { files: glob, config, split = 'train' } = wanted;
  const chosen = wantedNames(names, wanted);
  if (chosen.length > 0) return chosen;
  if (asksForSplit(wanted)) throw missingSplit(wanted.reference, { config, splits: [split], listed: names });
  const all = dataFiles(names);
  throw new UserError({
    field,
    problem:
      glob === undefined ? 'no .parquet, .json or .jsonl file in it' : `no data file matches "${glob}"`,
    ...(all.length > 0 && { remedy: `there are ${all.join(', ')}` }),
  });
}

async function localFiles(path: string, select: (names: string[]) => string[]): Promise<string[]> {
  if ((await stat(path)).isFile()) return select([basename(path)]).map(() => path);
  return select(await namesBelow(path)).map((name) => join(path, name));
}

type DataFile = ResolvedDataset['files'][number];

function recordAll(paths: string[]): Promise<DataFile[]> {
  return Promise.all(
    paths.map(async (path) => ({
      path,
      bytes: (await stat(path)).size,
      sha256: await rememberedSha256(path),
    })),
  );
}

async function areIntact(files: DataFile[]): Promise<boolean> {
  const found = await recordAll(files.map(({ path }) => path)).catch(() => []);
  return found.length > 0 && found.every(({ sha256 }, i) => sha256 === files[i]!.sha256);
}
