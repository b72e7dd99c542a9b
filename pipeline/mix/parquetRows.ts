// Rows of a Parquet file by hyparquet, a row group at a time, and of a large one in parts. A page tells its own sizes,
// which hyparquet takes for true; so they are held against the footer and the file before anything is allocated.
import {
  asyncBufferFromFile,
  cachedAsyncBuffer,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import type { AsyncBuffer, FileMetaData, RowGroup } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { readPageHeader } from './parquetPages.ts';
import type { Row } from './readRows.ts';
import { unreadable } from './unreadable.ts';

/** Rows decoded at a time: pages before them are skipped unread, so a group of a million rows costs little more. */
const rowsPerRead = 20_000;

/** The largest page that is decompressed; writers make pages of a megabyte. */
const maxPageBytes = 1 << 28;

/** Values in a row group, lists and structs taken apart. */
const maxValues = 1 << 26;

interface ParquetFile {
  buffer: AsyncBuffer;
  metadata: FileMetaData;
}

/** The names of the columns. */
export async function parquetColumns(file: string): Promise<string[]> {
  const { metadata } = await openParquet(file);
  return columnNames(metadata);
}

/** All rows, with the named columns or all. */
export async function* parquetRows(file: string, columns: string[] | undefined): AsyncGenerator<Row[]> {
  const { buffer, metadata } = await openParquet(file);
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    const groupBuffer = cachedAsyncBuffer(buffer);
    for (let rowStart = start; rowStart < end; rowStart += rowsPerRead) {
      const rowEnd = Math.min(rowStart + rowsPerRead, end);
      try {
        if (rowStart === start) await checkPages(group, { buffer, columns });
        yield await readPart({ buffer: groupBuffer, metadata }, { rowStart, rowEnd, columns });
      } catch (error) {
        throw unreadable(file, `rows ${rowStart} to ${rowEnd - 1} cannot be read`, error);
      }
    }
    start = end;
  }
}

async function openParquet(file: string): Promise<ParquetFile> {
  try {
    const buffer = await asyncBufferFromFile(file);
    if (buffer.byteLength < 12) throw new Error(`it has ${buffer.byteLength} bytes`);
    const metadata = await parquetMetadataAsync(buffer);
    columnNames(metadata);
    for (const { num_rows } of metadata.row_groups)
      within(Number(num_rows), maxValues, 'rows in a row group');
    return { buffer, metadata };
  } catch (error) {
    throw unreadable(file, 'not a whole Parquet file', error);
  }
}

function columnNames(metadata: FileMetaData): string[] {
  return parquetSchema(metadata).children.map(({ element }) => element.name);
}

async function readPart(
  { buffer, metadata }: ParquetFile,
  { columns, rowStart, rowEnd }: { columns: string[] | undefined; rowStart: number; rowEnd: number },
): Promise<Row[]> {
  const selection = columns === undefined ? {} : { columns };
  const rows = await parquetReadObjects({
    file: buffer,
    metadata,
    compressors,
    rowStart,
    rowEnd,
    ...selection,
  });
  if (rows.length !== rowEnd - rowStart) throw new Error(`there are only ${rows.length} rows`);
  return rows;
}

/** Checks what the pages of a row group say of their sizes. */
async function checkPages(
  { columns: chunks, num_rows }: RowGroup,
  { buffer, columns }: { buffer: AsyncBuffer; columns: string[] | undefined },
): Promise<void> {
  for (const { meta_data: chunk } of chunks) {
    if (!chunk || (columns && !columns.includes(chunk.path_in_schema[0]!))) continue;
    const start = Number(chunk.dictionary_page_offset ?? 0n) || Number(chunk.data_page_offset);
    const size = within(Number(chunk.total_compressed_size), buffer.byteLength - start, 'bytes of a column');
    const view = new DataView(await buffer.slice(start, start + size));
    const total = within(Number(chunk.num_values), maxValues, 'values of a column');
    const values = valuesInPages(view);
    if (values !== total) throw new Error(`a column has ${values} values in its pages, not ${total}`);
    if (chunk.path_in_schema.length === 1 && total !== Number(num_rows))
      throw new Error(`a column has ${total} values in ${num_rows} rows`);
  }
}

function valuesInPages(view: DataView): number {
  const reader = { view, offset: 0 };
  let total = 0;
  while (reader.offset < view.byteLength - 1) {
    const { uncompressedBytes, compressedBytes, values, isDictionary } = readPageHeader(reader);
    within(uncompressedBytes, maxPageBytes, 'bytes in a page');
    reader.offset += within(compressedBytes, view.byteLength - reader.offset, 'bytes in a page');
    within(values, isDictionary ? uncompressedBytes : maxValues, 'values in a page');
    if (!isDictionary) total += values;
  }
  return total;
}

function within(value: number, limit: number, what: string): number {
  if (value >= 0 && value <= limit) return value;
  throw new Error(`it claims ${value} ${what}, where at most ${limit} are possible`);
}
