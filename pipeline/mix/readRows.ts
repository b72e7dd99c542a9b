// The rows of a dataset file in batches, in file order, with bounded memory: Parquet by row group, JSON arrays and JSON
// Lines as they stream in, gzipped or not. A file that is not what it should be is a UserError with the place.
import { jsonRows } from './jsonRows.ts';
import { parquetColumns, parquetRows } from './parquetRows.ts';

export type Row = Record<string, unknown>;

/** Rows from which a JSON file's columns are known; an exporter may leave out what is null. */
const columnProbe = 100;

/**
 * All rows of a file, some hundreds to some thousands at a time.
 * @param columns columns to decode, where the format allows to choose (Parquet); default all.
 * @throws UserError with row, line or byte of what cannot be read.
 */
export async function* readRows(
  file: string,
  { columns }: { columns?: string[] } = {},
): AsyncGenerator<Row[]> {
  yield* isParquet(file) ? parquetRows(file, columns) : jsonRows(file);
}

/**
 * The names of a file's columns: none of JSON without rows; of other JSON the keys in its first rows, so that no file is
 * read twice without need.
 * @param wanted paths whose columns are looked for in all rows of JSON. If one is nowhere, all keys of the file are given.
 */
export async function columnsOf(
  file: string,
  { wanted = [] }: { wanted?: readonly string[] } = {},
): Promise<string[]> {
  if (isParquet(file)) return parquetColumns(file);
  const [inFirstRows, inAll] = [new Set<string>(), new Set<string>()];
  const isFound = (path: string) => inAll.has(path) || inAll.has(path.split('.', 1)[0]!);
  let count = 0;
  for await (const rows of readRows(file)) {
    for (const row of rows) {
      count += 1;
      for (const column of Object.keys(row)) {
        inAll.add(column);
        if (count <= columnProbe) inFirstRows.add(column);
      }
    }
    if (count >= columnProbe && wanted.every(isFound)) break;
  }
  if (!wanted.every(isFound)) return [...inAll];
  const later = wanted
    .flatMap((path) => [path, path.split('.', 1)[0]!])
    .filter((column) => inAll.has(column));
  return [...new Set([...inFirstRows, ...later])];
}

function isParquet(file: string): boolean {
  return file.endsWith('.parquet');
}
