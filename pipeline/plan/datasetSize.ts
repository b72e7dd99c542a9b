// The bytes of a dataset's files that a recipe reads, and how many of them are here already.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { UserError } from '../config/userError.ts';
import { dataFiles } from '../hub/dataFiles.ts';
import { parseReference } from '../hub/reference.ts';
import type { DatasetSource } from '../hub/sourcesConfig.ts';
import type { ResolvedDataset } from '../hub/sourcesFile.ts';
import { listHubFiles } from './hubFiles.ts';

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
  const { reference, files: glob }: { reference: string; files?: string | undefined } =
    typeof source === 'string' ? { reference: source } : source;
  if (resolved) {
    const bytes = resolved.files.reduce((sum, file) => sum + file.bytes, 0);
    return { reference, bytes, cachedBytes: bytes };
  }
  const files = await filesOf(reference, field);
  const names = new Set(
    dataFiles(
      files.map(({ path }) => path),
      glob,
    ),
  );
  const chosen = files.filter(({ path }) => names.has(path));
  if (chosen.length === 0)
    throw new UserError({ field, value: reference, problem: 'has no data files that match' });
  const sum = (some: typeof chosen) => some.reduce((total, { bytes }) => total + bytes, 0);
  return { reference, bytes: sum(chosen), cachedBytes: sum(chosen.filter(({ isCached }) => isCached)) };
}

async function filesOf(reference: string, field: string) {
  const parsed = parseReference(reference, field);
  if (parsed.kind === 'local') return localFiles(parsed.path);
  if (parsed.kind === 'pypi')
    throw new UserError({ field, value: reference, problem: 'names a model file, not a dataset' });
  const { repository: name, revision } = parsed;
  return (await listHubFiles({ type: 'dataset', name, ...(revision !== undefined && { revision }) })).files;
}

async function localFiles(path: string) {
  const isFile = (await stat(path)).isFile();
  const folder = isFile ? dirname(path) : path;
  const entries = isFile ? [] : await readdir(path, { recursive: true, withFileTypes: true });
  const names = isFile
    ? [basename(path)]
    : entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
  return Promise.all(
    names.map(async (name) => ({ path: name, bytes: (await stat(join(folder, name))).size, isCached: true })),
  );
}
