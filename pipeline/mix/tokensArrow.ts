// tokens.arrow: the mix for machines, an uncompressed Arrow IPC file that pyarrow and polars read as it is.
// Columns id, source, split (utf8), token_ids (list<int32>), loss_mask (list<uint8>); written batch by batch.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  Field,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  tableFromIPC,
  Uint8,
  Utf8,
  vectorFromArray,
  type Vector,
} from 'apache-arrow';
import { commitFile, type FileRecord } from '../artifact/commitFile.ts';
import { readManifest, verifyFile, type Manifest } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';

/** One training sample of L tokens. */
export interface Sample {
  /** First 32 hex digits of the sha256 over token ids (int32, little endian) and loss mask. */
  id: string;
  /** The dataset's name in sources.json. */
  source: string;
  split: Split;
  tokenIds: Int32Array; // [L]
  /** 1 where the token is a training target. */
  lossMask: Uint8Array; // [L]
}

export type Split = 'train' | 'held_out';

export const mixFormatVersion = 1;

const rowsPerBatch = 1024;
const fileName = 'tokens.arrow';

const schema = new Schema([
  new Field('id', new Utf8(), false),
  new Field('source', new Utf8(), false),
  new Field('split', new Utf8(), false),
  new Field('token_ids', new List(new Field('item', new Int32(), false)), false),
  new Field('loss_mask', new List(new Field('item', new Uint8(), false)), false),
]);

/** Commits `folder/tokens.arrow`. */
export async function writeTokens(folder: string, samples: readonly Sample[]): Promise<FileRecord> {
  const record = await commitFile(join(folder, fileName), (write) =>
    pipeline(
      batches(samples),
      RecordBatchFileWriter.throughNode(),
      async (bytes: AsyncIterable<Uint8Array>) => {
        for await (const chunk of bytes) await write(chunk);
      },
    ),
  );
  return { ...record, rows: samples.length };
}

/**
 * The mix of the stage `mix`, its file checked against the manifest.
 * @throws UserError when it is missing, damaged or of another version.
 */
export async function readMix(folder: string): Promise<{ manifest: Manifest; samples: Sample[] }> {
  const command = 'make mix';
  const manifest = await readManifest(folder, { kind: 'mix', formatVersion: mixFormatVersion, command });
  const record = manifest.files.find(({ file }) => file === fileName);
  if (!record)
    throw new UserError({
      file: join(folder, 'manifest.json'),
      field: 'files',
      problem: `lists no ${fileName}`,
      remedy: `run "${command}"`,
    });
  await verifyFile(folder, record, command);
  return { manifest, samples: readTokens(await readFile(join(folder, fileName))) };
}

/** Samples of a tokens.arrow held in memory; the arrays are views of `bytes`. */
export function readTokens(bytes: Uint8Array): Sample[] {
  return tableFromIPC(bytes).batches.flatMap((batch) => {
    const column = (name: string) => batch.getChild(name)!;
    const [ids, sources, splits] = ['id', 'source', 'split'].map((name) => column(name) as Vector<Utf8>);
    const tokenIds = lists<Int32Array>(column('token_ids') as Vector<List>);
    const lossMasks = lists<Uint8Array>(column('loss_mask') as Vector<List>);
    return Array.from({ length: batch.numRows }, (_, i) => ({
      id: ids!.get(i)!,
      source: sources!.get(i)!,
      split: splits!.get(i) as Split,
      tokenIds: tokenIds[i]!,
      lossMask: lossMasks[i]!,
    }));
  });
}

function* batches(samples: readonly Sample[]): Generator<RecordBatch> {
  for (let start = 0; start < samples.length; start += rowsPerBatch)
    yield recordBatch(samples.slice(start, start + rowsPerBatch));
}

function recordBatch(samples: readonly Sample[]): RecordBatch {
  const text = (column: (sample: Sample) => string) =>
    vectorFromArray(samples.map(column), new Utf8()).data[0]!;
  const offsets = Int32Array.from([0, ...samples.map(({ tokenIds }) => tokenIds.length)]);
  for (let i = 1; i < offsets.length; i++) offsets[i]! += offsets[i - 1]!;
  const [ids, mask] = [new Int32Array(offsets.at(-1)!), new Uint8Array(offsets.at(-1)!)];
  samples.forEach(({ tokenIds, lossMask }, i) => {
    ids.set(tokenIds, offsets[i]);
    mask.set(lossMask, offsets[i]);
  });
  const list = (type: Int32 | Uint8, data: Int32Array | Uint8Array) =>
    makeData({
      type: new List(new Field('item', type, false)),
      length: samples.length,
      valueOffsets: offsets,
      child: makeData({ type, length: data.length, data }),
    });
  const children = [
    text(({ id }) => id),
    text(({ source }) => source),
    text(({ split }) => split),
    list(new Int32(), ids),
    list(new Uint8(), mask),
  ];
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: samples.length, children }),
  );
}

/** The lists of a column of one batch, without copying. */
function lists<T extends Int32Array | Uint8Array>(column: Vector<List>): T[] {
  const data = column.data[0]!;
  const offsets = data.valueOffsets as Int32Array;
  const values = data.children[0]!.values as T;
  return Array.from({ length: data.length }, (_, i) => values.subarray(offsets[i], offsets[i + 1]) as T);
}
