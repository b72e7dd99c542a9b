// The datasets as `fetch` left them: sources.json names their files with size and sha256.
// Within the mix a file goes by its name below the dataset's folder, so that no local path enters an artifact.
import { stat } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import { fingerprint } from '../artifact/fingerprint.ts';
import { rememberedSha256 } from '../artifact/rememberedSha256.ts';
import { nearest } from '../config/loadConfig.ts';
import { hasCode, UserError } from '../config/userError.ts';
import { dataFiles } from '../hub/dataFiles.ts';
import { readSources, type Sources } from '../hub/sourcesFile.ts';

/** One file of a dataset; `name` is its path below the dataset's folder, with "/". */
export interface DatasetFile {
  name: string;
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * The data files of the datasets a mix asks for, by name, checked against their sha256.
 * @param wanted dataset name to glob of its files (undefined: all).
 * @throws UserError when a dataset or file is missing or not the one that was fetched.
 */
export async function datasetFiles(
  sourcesFile: string,
  wanted: Record<string, string | undefined>,
): Promise<Record<string, DatasetFile[]>> {
  const { datasets } = await sourcesOf(sourcesFile);
  const found: Record<string, DatasetFile[]> = {};
  for (const [name, glob] of Object.entries(wanted)) {
    const dataset = datasets[name] ?? missingDataset(name, { sourcesFile, known: Object.keys(datasets) });
    found[name] = selectFiles(dataset.files, { name, glob, sourcesFile });
    for (const file of found[name]) await checkFile(file);
  }
  return found;
}

/** Names a dataset's content: the names and sums of its files. */
export function datasetFingerprint(files: readonly DatasetFile[]): string {
  return fingerprint(files.map(({ name, sha256 }) => ({ name, sha256 })));
}

/** The files in the order of their names, so that the order in sources.json does not count. */
function selectFiles(
  files: readonly Omit<DatasetFile, 'name'>[],
  { name, glob, sourcesFile }: { name: string; glob: string | undefined; sourcesFile: string },
): DatasetFile[] {
  const folder = commonFolder(files.map(({ path }) => path));
  const named = new Map(files.map((file) => [relative(folder, file.path).replaceAll(sep, '/'), file]));
  const chosen = dataFiles([...named.keys()], glob);
  if (chosen.length > 0) return chosen.map((file) => ({ ...named.get(file)!, name: file }));
  throw new UserError({
    file: sourcesFile,
    field: `datasets.${name}.files`,
    problem: glob === undefined ? 'no .parquet, .json or .jsonl file among them' : `none matches "${glob}"`,
    remedy: `there are ${[...named.keys()].join(', ')}`,
  });
}

async function sourcesOf(file: string): Promise<Sources> {
  if (basename(file) !== 'sources.json')
    throw new UserError({ file, problem: 'expected the sources.json that "make fetch" writes' });
  const sources = await readSources(dirname(file));
  if (sources) return sources;
  throw new UserError({ file, problem: 'no such file', remedy: 'run "make fetch"' });
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  while (!paths.every((path) => path.startsWith(folder + sep)) && folder !== dirname(folder))
    folder = dirname(folder);
  return folder;
}

async function checkFile({ path, bytes, sha256 }: DatasetFile): Promise<void> {
  const remedy = 'run "make fetch"';
  const size = await stat(path).then(
    (stats) => stats.size,
    (error: unknown) => {
      throw hasCode(error, 'ENOENT', 'ENOTDIR')
        ? new UserError({ file: path, problem: 'missing', remedy })
        : error;
    },
  );
  if (size !== bytes)
    throw new UserError({ file: path, problem: `has ${size} bytes, ${bytes} when it was fetched`, remedy });
  const sum = await rememberedSha256(path);
  if (sum !== sha256)
    throw new UserError({ file: path, problem: `has sha256 ${sum}, ${sha256} when it was fetched`, remedy });
}

function missingDataset(
  name: string,
  { sourcesFile, known }: { sourcesFile: string; known: string[] },
): never {
  const near = nearest(name, known);
  throw new UserError({
    file: sourcesFile,
    field: `datasets.${name}`,
    problem: 'missing, though the mix asks for it',
    remedy: near ? `did you mean "${near}"?` : `it has ${known.join(', ') || 'none'}`,
  });
}
