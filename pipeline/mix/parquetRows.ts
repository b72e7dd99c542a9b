// Rows of a Parquet file by hyparquet, a row group at a time, and of a large one in parts. A page tells its own sizes,
// which hyparquet takes for true; so they are held against the footer and the file before anything is allocated.
import {
  asyncBufferFromFile,
  cachedAsyncBuffer,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { readPageHeader, type Page } from './parquetPages.ts';
import { checkLevels, checkPage, levelsOf, type Levels } from './parquetRuns.ts';
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
  const schema = parquetSchema(metadata);
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    const groupBuffer = cachedAsyncBuffer(buffer);
    let packed: PagesBySize | undefined;
    for (let rowStart = start; rowStart < end; rowStart += rowsPerRead) {
      const rowEnd = Math.min(rowStart + rowsPerRead, end);
      try {
        packed ??= await checkPages(group, { buffer, columns, schema });
        const reading = { buffer: groupBuffer, metadata, compressors: checkedCompressors(packed) };
        yield await readPart(reading, { rowStart, rowEnd, columns });
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
  { buffer, metadata, compressors }: ParquetFile & { compressors: Compressors },
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

interface KnownPage {
  page: Page;
  levels: Levels;
}

/** Pages by the sizes of what is to be unpacked, `packed/unpacked`: all that a decompressor gets to know. */
type PagesBySize = Map<string, KnownPage[]>;

/** Checks what the pages of a row group say of their sizes, and gives those that are still to be unpacked. */
async function checkPages(
  { columns: chunks, num_rows }: RowGroup,
  { buffer, columns, schema }: { buffer: AsyncBuffer; columns: string[] | undefined; schema: SchemaTree },
): Promise<PagesBySize> {
  const packed: PagesBySize = new Map();
  for (const { meta_data: chunk } of chunks) {
    if (!chunk || (columns && !columns.includes(chunk.path_in_schema[0]!))) continue;
    const levels = levelsOf(schema, chunk.path_in_schema);
    const start = Number(chunk.dictionary_page_offset ?? 0n) || Number(chunk.data_page_offset);
    const size = within(Number(chunk.total_compressed_size), buffer.byteLength - start, 'bytes of a column');
    const total = within(Number(chunk.num_values), maxValues, 'values of a column');
    let values = 0;
    for (const { page, bytes } of pagesOf(new DataView(await buffer.slice(start, start + size)))) {
      if (page.kind !== 'dictionary') values += page.values;
      checkLevels(bytes, page, levels);
      if (chunk.codec !== 'UNCOMPRESSED') remember(packed, { page, levels });
      else checkPage(from(bytes, levelBytesOf(page)), page, levels);
    }
    if (values !== total) throw new Error(`a column has ${values} values in its pages, not ${total}`);
    if (chunk.path_in_schema.length === 1 && total !== Number(num_rows))
      throw new Error(`a column has ${total} values in ${num_rows} rows`);
  }
  return packed;
}

function remember(packed: PagesBySize, known: KnownPage): void {
  const levelBytes = levelBytesOf(known.page);
  const key = `${known.page.compressedBytes - levelBytes}/${known.page.uncompressedBytes - levelBytes}`;
  packed.set(key, [...(packed.get(key) ?? []), known]);
}

/** The pages of a column chunk. */
function* pagesOf(view: DataView): Generator<{ page: Page; bytes: DataView }> {
  const reader = { view, offset: 0 };
  while (reader.offset < view.byteLength - 1) {
    const page = readPageHeader(reader);
    const at = reader.offset;
    within(page.uncompressedBytes, maxPageBytes, 'bytes in a page');
    reader.offset += within(page.compressedBytes, view.byteLength - at, 'bytes in a page');
    within(page.values, page.kind === 'dictionary' ? page.uncompressedBytes : maxValues, 'values in a page');
    yield { page, bytes: new DataView(view.buffer, view.byteOffset + at, page.compressedBytes) };
  }
}

function levelBytesOf({ levelBytes }: Page): number {
  return levelBytes ? levelBytes.repetition + levelBytes.definition : 0;
}

function from(view: DataView, offset: number): DataView {
  return new DataView(view.buffer, view.byteOffset + offset, view.byteLength - offset);
}

/** Decompressors that check each page once it is unpacked; it passes as any of those that have its sizes. */
function checkedCompressors(packed: PagesBySize): Compressors {
  const checked = Object.entries(compressors).map(([codec, unpack]) => [
    codec,
    (input: Uint8Array, length: number) => {
      const bytes = unpack(input, length);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const problems = (packed.get(`${input.length}/${length}`) ?? []).map((known) => problemOf(view, known));
      if (problems.every((problem) => problem !== undefined))
        throw problems[0] ?? new Error('a page was not found');
      return bytes;
    },
  ]);
  return Object.fromEntries(checked) as Compressors;
}

function problemOf(view: DataView, { page, levels }: KnownPage): Error | undefined {
  try {
    checkPage(view, page, levels);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function within(value: number, limit: number, what: string): number {
  if (value >= 0 && value <= limit) return value;
  throw new Error(`it claims ${value} ${what}, where at most ${limit} are possible`);
}
