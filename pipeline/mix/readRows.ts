// The rows of a dataset file in batches, in file order, with bounded memory: Parquet by row group, JSON arrays and JSON
// Lines as they stream in, gzipped or not. A file that is not what it should be is a UserError with the place.
import { UserError } from '../config/userError.ts';
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

/** The names of a file's columns; of JSON, the keys in its first rows. */
export async function columnsOf(file: string): Promise<string[]> {
  if (isParquet(file)) return parquetColumns(file);
  for await (const rows of readRows(file))
    return [...new Set(rows.slice(0, columnProbe).flatMap((row) => Object.keys(row)))];
  throw new UserError({ file, problem: 'holds no rows' });
}

function isParquet(file: string): boolean {
  return file.endsWith('.parquet');
}
