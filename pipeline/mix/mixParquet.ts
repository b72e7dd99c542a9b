// mix.parquet: the mix for people, to be looked at with DuckDB, pandas or a viewer. One row a sample, in the order of
// tokens.arrow: where it came from (source, file, 0-based row), and its text as it is trained on.
import { join } from 'node:path';
import { Writable } from 'node:stream';
import parquet from 'parquetjs-lite';
import { commitFile, type FileRecord, type Write } from '../artifact/commitFile.ts';

/** A row of mix.parquet. `prompt` is as rendered by the chat template, `response` without its end token. */
export interface MixRow {
  id: string;
  source: string;
  file: string;
  row: number;
  split: string;
  prompt: string;
  response: string;
  token_count: number;
}

const text = { type: 'UTF8', compression: 'SNAPPY' } as const;
const count = { type: 'INT32', compression: 'SNAPPY' } as const;
const columns = {
  id: text,
  source: text,
  file: text,
  row: count,
  split: text,
  prompt: text,
  response: text,
  token_count: count,
} satisfies Record<keyof MixRow, unknown>;

const fileName = 'mix.parquet';

/** Commits `folder/mix.parquet`. */
export async function writeMixParquet(folder: string, rows: readonly MixRow[]): Promise<FileRecord> {
  const record = await commitFile(join(folder, fileName), async (write) => {
    const schema = new parquet.ParquetSchema(columns);
    const writer = await parquet.ParquetWriter.openStream(schema, writable(write));
    for (const row of rows) await writer.appendRow({ ...row });
    await writer.close();
  });
  return { ...record, rows: rows.length };
}

/** All rows of `folder/mix.parquet`. */
export async function readMixParquet(folder: string): Promise<MixRow[]> {
  const reader = await parquet.ParquetReader.openFile(join(folder, fileName));
  const cursor = reader.getCursor();
  const rows: MixRow[] = [];
  for (let row = await cursor.next(); row; row = await cursor.next()) rows.push(row as unknown as MixRow);
  await reader.close();
  return rows;
}

/** A stream, as parquetjs wants one, into the file being committed. */
function writable(write: Write): Writable {
  return new Writable({
    write(chunk: Uint8Array, _, done) {
      write(chunk).then(() => done(), done);
    },
  });
}
