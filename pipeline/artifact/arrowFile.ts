// Arrow IPC files whose columns are texts and lists of numbers: uncompressed and of plain types, so that pyarrow, polars
// and the rest read them as they are. They are written batch by batch; what is read are views of a batch, no copies.
import { pipeline } from 'node:stream/promises';
import {
  Field,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Struct,
  Utf8,
  vectorFromArray,
  type Data,
  type Float16,
  type Float32,
  type Int32,
  type Schema,
  type Uint16,
  type Uint8,
} from 'apache-arrow';
import { commitFile, type FileRecord } from './commitFile.ts';

type ElementType = Uint8 | Uint16 | Int32 | Float16 | Float32;

/** A list of a row; float16 numbers appear as their bits. */
export type NumberList = Uint8Array | Uint16Array | Int32Array | Float32Array;

/** Commits `path` with the batches in order. */
export function commitArrow(path: string, batches: Iterable<RecordBatch>): Promise<FileRecord> {
  return commitFile(path, (write) =>
    pipeline(batches, RecordBatchFileWriter.throughNode(), async (bytes: AsyncIterable<Uint8Array>) => {
      for await (const chunk of bytes) await write(chunk);
    }),
  );
}

/** A batch of `schema`, its columns as `textColumn` and `listColumn` make them. */
export function recordBatch(schema: Schema, columns: Data[]): RecordBatch {
  const { length } = columns[0]!;
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, children: columns }));
}

/** The field of a column of lists without nulls. */
export function listField(name: string, type: ElementType, metadata?: Map<string, string>): Field {
  return new Field(name, listOf(type), false, metadata);
}

/** A text for each row. */
export function textColumn(texts: readonly string[]): Data {
  return vectorFromArray(texts, new Utf8()).data[0]!;
}

/** A list for each row. */
export function listColumn(type: ElementType, lists: readonly NumberList[]): Data {
  const valueOffsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => (valueOffsets[i + 1] = valueOffsets[i]! + list.length));
  const length = valueOffsets.at(-1)!;
  const data = new type.ArrayType(length);
  lists.forEach((list, i) => data.set(list, valueOffsets[i]));
  const child = makeData({ type: type as Uint16, length, data: data as Uint16Array }); // one type for the overloads' sake
  return makeData({ type: listOf(type), length: lists.length, valueOffsets, child });
}

/** The list in a row of a batch. */
export function listAt(batch: RecordBatch, name: string, row: number): NumberList {
  const data = batch.getChild(name)!.data[0]!;
  const offsets = data.valueOffsets as Int32Array;
  return (data.children[0]!.values as NumberList).subarray(offsets[row], offsets[row + 1]);
}

/** The text in a row of a batch. */
export function textAt(batch: RecordBatch, name: string, row: number): string {
  return batch.getChild(name)!.get(row) as string;
}

function listOf(type: ElementType): List {
  return new List(new Field('item', type, false));
}
