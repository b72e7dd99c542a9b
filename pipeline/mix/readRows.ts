// The rows of a dataset file in batches, in file order, with bounded memory: JSON arrays as they stream in, JSON Lines
// line by line, Parquet by row group. A file that ends early or is not what its name says is a UserError with the place.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Tokenizer as JsonTokenizer, TokenParser } from '@streamparser/json';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { messageOf, UserError } from '../config/userError.ts';

export type Row = Record<string, unknown>;

/** Bytes of text taken at a time. */
const chunkBytes = 1 << 20;

/** Rows from which a JSON file's columns are known; an exporter may leave out what is null. */
const columnProbe = 100;

/**
 * All rows of a file, some hundreds to one row group at a time.
 * @param columns columns to decode, where the format allows to choose (Parquet); default all.
 * @throws UserError with row, line or byte of what cannot be read.
 */
export async function* readRows(
  file: string,
  { columns }: { columns?: string[] } = {},
): AsyncGenerator<Row[]> {
  if (file.endsWith('.parquet')) yield* parquetRows(file, columns);
  else if ((await firstCharacter(file)) === '[') yield* jsonArrayRows(file);
  else yield* jsonLinesRows(file);
}

/** The names of a file's columns; of JSON, the keys in its first rows. */
export async function columnsOf(file: string): Promise<string[]> {
  if (file.endsWith('.parquet')) {
    const { schema } = await openParquet(file);
    return schema;
  }
  for await (const rows of readRows(file))
    return [...new Set(rows.slice(0, columnProbe).flatMap((row) => Object.keys(row)))];
  throw new UserError({ file, problem: 'holds no rows' });
}

async function openParquet(file: string) {
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    return {
      buffer,
      metadata,
      schema: parquetSchema(metadata).children.map(({ element }) => element.name),
    };
  } catch (error) {
    throw unreadable(file, 'not a whole Parquet file', error);
  }
}

async function* parquetRows(file: string, columns: string[] | undefined): AsyncGenerator<Row[]> {
  const { buffer, metadata } = await openParquet(file);
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    yield await readParquet({ file, buffer, metadata, rowStart, rowEnd, columns });
    rowStart = rowEnd;
  }
}

async function readParquet({
  file,
  buffer,
  metadata,
  rowStart,
  rowEnd,
  columns,
}: Omit<Awaited<ReturnType<typeof openParquet>>, 'schema'> & {
  file: string;
  rowStart: number;
  rowEnd: number;
  columns: string[] | undefined;
}): Promise<Row[]> {
  const selection = columns === undefined ? {} : { columns };
  try {
    return await parquetReadObjects({ file: buffer, metadata, compressors, rowStart, rowEnd, ...selection });
  } catch (error) {
    throw unreadable(file, `rows ${rowStart} to ${rowEnd - 1} cannot be read`, error);
  }
}

async function* jsonArrayRows(file: string): AsyncGenerator<Row[]> {
  let rows: Row[] = [];
  let count = 0;
  let byte = 0;
  const tokenizer = new JsonTokenizer();
  const parser = new TokenParser({ paths: ['$.*'], keepStack: false });
  tokenizer.onToken = (token) => {
    byte = token.offset;
    parser.write(token);
  };
  parser.onValue = ({ value }) => rows.push(asRow(value, { file, place: `row ${count++}` }));
  const parse = (chunk?: Uint8Array) => {
    try {
      if (chunk) tokenizer.write(chunk);
      else if (!parser.isEnded) throw new Error('the file ends early');
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw unreadable(file, `not valid JSON after byte ${byte} (row ${count})`, error);
    }
  };
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes })) {
    parse(chunk as Uint8Array);
    if (rows.length > 0) yield rows;
    rows = [];
  }
  parse();
}

async function* jsonLinesRows(file: string): AsyncGenerator<Row[]> {
  let line = 0;
  for await (const lines of linesOf(file)) {
    const rows: Row[] = [];
    for (const text of lines) {
      line += 1;
      const trimmed = text.trim();
      if (trimmed !== '') rows.push(asRow(parseLine(trimmed, file, line), { file, place: `line ${line}` }));
    }
    if (rows.length > 0) yield rows;
  }
}

/** Lines end at "\n" only: `node:readline` also breaks at U+2028, which JSON text may hold as it is. */
async function* linesOf(file: string): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: chunkBytes })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    yield lines;
  }
  yield [rest];
}

function parseLine(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(file, `line ${line} is not valid JSON`, error);
  }
}

function asRow(value: unknown, { file, place }: { file: string; place: string }): Row {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Row;
  throw new UserError({ file, problem: `${place} is not an object with columns` });
}

/** The first character that is no white space: "[" opens a JSON array, whatever the file's ending. */
async function firstCharacter(file: string): Promise<string | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString('utf8', 0, bytesRead).trim()[0];
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, what: string, cause: unknown): UserError {
  const remedy = 'if it was downloaded, run "make fetch" to get it again';
  return new UserError({ file, problem: `${what}: ${messageOf(cause)}`, remedy }, { cause });
}
