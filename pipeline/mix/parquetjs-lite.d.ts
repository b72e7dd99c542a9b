// The part of parquetjs-lite that the mix uses; the package ships no types.
declare module 'parquetjs-lite' {
  import type { Writable } from 'node:stream';

  interface Column {
    type: 'UTF8' | 'INT32';
    compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY';
  }

  type Row = Record<string, string | number>;

  interface Schema {
    fields: unknown;
  }

  interface Writer {
    appendRow(row: Row): Promise<void>;
    close(): Promise<void>;
  }

  interface Reader {
    getCursor(): { next(): Promise<Row | null> };
    close(): Promise<void>;
  }

  const parquet: {
    ParquetSchema: new (columns: Record<string, Column>) => Schema;
    ParquetWriter: { openStream(schema: Schema, stream: Writable): Promise<Writer> };
    ParquetReader: { openFile(path: string): Promise<Reader> };
  };
  export default parquet;
}
