// From the reference of a dataset to its data files on this machine, with their sums: the files that are named, or those
// of one split, as Python's load_dataset takes them.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { namesBelow } from '../artifact/namesBelow.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { rememberedSha256 } from '../artifact/rememberedSha256.ts';
import { UserError } from '../config/userError.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { localSplits } from './chooseSplits.ts';
import { dataFiles } from './dataFiles.ts';
import { CARD, fetchSplits } from './datasetSplits.ts';
import { fetchSnapshot } from './hubSnapshot.ts';
import { parseReference, type Reference } from './reference.ts';
import type { ResolveOptions } from './resolveModel.ts';
import type { DatasetSource } from './sourcesConfig.ts';
import type { ResolvedDataset } from './sourcesFile.ts';

/**
 * Resolves a dataset: a local file, a local folder with data files, or a Hub dataset.
 * @throws UserError for a reference of unknown form, a failed download, or when there are no such data files.
 */
export async function resolveDataset(
  source: DatasetSource,
  { field, previous, progress }: ResolveOptions<ResolvedDataset>,
): Promise<ResolvedDataset> {
  const wanted = wantedOf(source);
  const parsed = datasetReference(wanted.reference, field);
  const reference = datasetName(source);
  if (parsed.kind === 'local')
    return {
      reference,
      revision: null,
      files: await recordAll(await localFiles(parsed.path, wanted, field)),
    };
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

type DatasetReference = Exclude<Reference, { kind: 'pypi' }>;

/** @throws UserError for a form that no dataset has */
export function datasetReference(reference: string, field: string): DatasetReference {
  const parsed = parseReference(reference, field);
  if (parsed.kind === 'pypi' || (parsed.kind === 'hub' && parsed.file !== undefined))
    throw new UserError({ field, value: reference, problem: 'names a model file, not a dataset' });
  if (parsed.kind === 'hub' && parsed.type === 'model')
    throw new UserError({
      ...{ field, value: reference, problem: 'names a model, not a dataset' },
      remedy: 'the address of a dataset has "datasets/" before its name',
    });
  return parsed;
}

/** The configuration and the split that are asked for, where no files are named. */
export function wantedSplit({ config, split = 'train' }: WantedFiles): { config?: string; splits: [string] } {
  return { ...(config !== undefined && { config }), splits: [split] };
}

async function fetchFiles(
  { repository: name, revision }: { repository: string; revision?: string },
  { wanted, field, progress }: { wanted: WantedFiles; field: string; progress: Progress },
): Promise<{ revision: string; paths: string[] }> {
  if (wanted.files === undefined) {
    const splits = wantedSplit(wanted);
    const found = await fetchSplits(name, { ...splits, revision, progress });
    return { revision: found.revision, paths: found.files[splits.splits[0]]!.map(({ path }) => path) };
  }
  const select = (names: string[]) => matchingFiles(names, { glob: wanted.files, field });
  const snapshot = await fetchSnapshot(
    { type: 'dataset', name, ...(revision !== undefined && { revision }) },
    { select, progress },
  );
  return {
    revision: snapshot.revision,
    paths: snapshot.files.map((file) => join(snapshot.folder, file)),
  };
}

/** Of file names those of data files that match the glob. @throws UserError when there are none */
export function matchingFiles(
  names: readonly string[],
  { glob, field }: { glob: string | undefined; field: string },
): string[] {
  const chosen = dataFiles(names, glob);
  if (chosen.length > 0) return chosen;
  const all = dataFiles(names);
  throw new UserError({
    field,
    problem:
      glob === undefined ? 'no .parquet, .json or .jsonl file in it' : `no data file matches "${glob}"`,
    ...(all.length > 0 && { remedy: `there are ${all.join(', ')}` }),
  });
}

/** The data files of a folder on this machine, or the file itself. @throws UserError when there are none */
export async function localFiles(path: string, wanted: WantedFiles, field: string): Promise<string[]> {
  const { files: glob, config, split } = wanted;
  if ((await stat(path)).isFile()) {
    if (config !== undefined || split !== undefined)
      throw new UserError({ field, value: path, problem: 'a file has no configurations and no splits' });
    return matchingFiles([basename(path)], { glob, field }).map(() => path);
  }
  const names = await namesBelow(path);
  const card = await findText(join(path, CARD));
  const splits = wantedSplit(wanted);
  const chosen =
    glob === undefined
      ? localSplits(path, { names, card }, splits)[splits.splits[0]]!
      : matchingFiles(names, { glob, field });
  return chosen.map((name) => join(path, name));
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
