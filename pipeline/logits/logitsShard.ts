// A shard of the logits cache: an uncompressed Arrow IPC file, one row a sample, several samples a record batch, read
// at random by batch. Plain types only, so that other tools read it. Of a sample with P positions and k tokens at each:
// - id utf8, k uint16 [P], ids_low uint16 [Σ k], ids_high uint8: bits above the 16th, packed; not up to 65,536 tokens
// - method topk: logprobs float16, float32 or uint8 [Σ k], with uint8 logprob_high and logprob_step float16 [P]; for
//   each temperature logsumexp float32 [P] and log_tail_mass float16 or float32 [P], named ..._tT for a T other than 1
// - method sample: draws uint8 or uint16 [Σ k], logsumexp float32 [P], entropy float16 or float32 [P]
// In Python, whatever the precision and the method:
//
//   import numpy as np, pyarrow as pa
//   table = pa.ipc.open_file('shard.arrow').read_all()
//   b = max(0, (int(table.schema.metadata[b'redistill.vocabulary_size']) - 1).bit_length() - 16)
//   for row in table.to_pylist():
//       k, ids, values = row['k'], np.array(row['ids_low'], int), np.array(row.get('logprobs', row.get('draws')), float)
//       high = np.unpackbits(np.array(row.get('ids_high', []), np.uint8), count=b * len(ids), bitorder='little')
//       ids += high.reshape(len(ids), b) @ (65536 << np.arange(b))
//       if 'logprob_step' in row: values = np.repeat(row['logprob_high'], k) - np.repeat(row['logprob_step'], k) * values
//       for p, end in enumerate(np.cumsum(k)):
//           tokens, found = ids[end - k[p]:end], values[end - k[p]:end]  # at position p; logit = found + logsumexp[p]
//
// Position p is the p-th target of the loss mask; its values are those of the hidden state one token before it.
import { open, type FileHandle } from 'node:fs/promises';
import {
  AsyncRecordBatchFileReader,
  Field,
  RecordBatchReader,
  Schema,
  Utf8,
  type RecordBatch,
} from 'apache-arrow';
import pLimit from 'p-limit';
import {
  commitArrow,
  listAt,
  listColumn,
  listField,
  recordBatch,
  textAt,
  textColumn,
} from '../artifact/arrowFile.ts';
import type { FileRecord } from '../artifact/commitFile.ts';
import { UserError } from '../config/userError.ts';
import { cutBySize } from '../mix/cutBySize.ts';
import {
  columnsOf,
  decodeSample,
  encodeSample,
  type Column,
  type SampleLogits,
  type ShardFormat,
} from './shardColumns.ts';

export const logitsFormatVersion = 2;

/** Kept tokens after which a record batch is closed: some 100 kB, so that a sample is read in well under a millisecond. */
const BATCH_ENTRIES = 1 << 15;

/** Of a list's place in its column, and of a sample's id. */
const OFFSET_BYTES = 4;
const ID_BYTES = 32;

/** A shard being read; `close` it. */
export interface Shard {
  readBatch: (index: number) => Promise<SampleBatch>;
  close: () => Promise<void>;
}

/** The samples of a record batch, decoded one by one. */
export type SampleBatch = (row: number) => SampleLogits;

/**
 * Commits a shard; one record batch at a time is encoded.
 * @returns its record, and how many rows each record batch has
 */
export async function writeShard(
  path: string,
  samples: readonly SampleLogits[],
  format: ShardFormat,
): Promise<{ record: FileRecord; batches: number[] }> {
  const groups = cutBySize(samples, { size: BATCH_ENTRIES, sizeOf: ({ ids }) => ids.length });
  const record = await commitArrow(path, recordBatches(groups, format));
  return { record, batches: groups.map((group) => group.length) };
}

/**
 * Opens a shard for reading batches in any order.
 * @throws UserError when it is no Arrow file or of another format version.
 */
export async function openShard(path: string): Promise<Shard> {
  const handle = await open(path, 'r');
  try {
    const reader = await fileReader(handle, path);
    const format = formatOf(reader.schema, path);
    const oneAtATime = pLimit(1); // the reader has a single file position
    const readBatch = async (index: number): Promise<SampleBatch> => {
      const batch = await oneAtATime(() => reader.readRecordBatch(index));
      if (!batch) throw new Error(`${path} has no record batch ${index}`);
      return (row) => decodeSample(textAt(batch, 'id', row), (column) => listAt(batch, column, row), format);
    };
    return { readBatch, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Bytes that a sample's values take in a shard, without what Arrow puts around a batch of them (some 1 %). */
export function valueBytes(
  { positions, tokens }: { positions: number; tokens: number },
  format: ShardFormat,
): number {
  const lists = columnsOf(format).map(
    ({ type, length }) => OFFSET_BYTES + length(positions, tokens) * type.ArrayType.BYTES_PER_ELEMENT,
  );
  return lists.reduce((sum, bytes) => sum + bytes, OFFSET_BYTES + ID_BYTES);
}

const KEYS = {
  version: 'redistill.format_version',
  vocabularySize: 'redistill.vocabulary_size',
  temperatures: 'redistill.temperatures',
  precision: 'redistill.precision',
  draws: 'redistill.draws',
};

function schemaOf(columns: readonly Column[], format: ShardFormat): Schema {
  const { vocabularySize, temperatures, precision, draws } = format;
  const fields = columns.map(({ name, type, meaning }) =>
    listField(name, type, new Map([['meaning', meaning]])),
  );
  const metadata = new Map([
    [KEYS.version, String(logitsFormatVersion)],
    [KEYS.vocabularySize, String(vocabularySize)],
    [KEYS.temperatures, JSON.stringify(temperatures)],
    [KEYS.precision, precision],
    ...(draws === undefined ? [] : [[KEYS.draws, String(draws)] as const]),
  ]);
  return new Schema([new Field('id', new Utf8(), false), ...fields], metadata);
}

function formatOf({ metadata }: Schema, path: string): ShardFormat {
  const version = metadata.get(KEYS.version);
  if (version !== String(logitsFormatVersion))
    throw new UserError({
      file: path,
      field: KEYS.version,
      value: version ?? null,
      problem: `this version reads ${logitsFormatVersion}`,
      remedy: 'run "make logits"',
    });
  const draws = metadata.get(KEYS.draws);
  return {
    vocabularySize: Number(metadata.get(KEYS.vocabularySize)),
    temperatures: JSON.parse(metadata.get(KEYS.temperatures)!) as number[],
    precision: metadata.get(KEYS.precision) as ShardFormat['precision'],
    draws: draws === undefined ? undefined : Number(draws),
  };
}

function* recordBatches(groups: readonly SampleLogits[][], format: ShardFormat): Generator<RecordBatch> {
  const columns = columnsOf(format);
  const schema = schemaOf(columns, format);
  for (const group of groups) {
    const ids = textColumn(group.map(({ id }) => id));
    const encoded = group.map((sample) => encodeSample(sample, format));
    const lists = columns.map(({ name, type }) =>
      listColumn(
        type,
        encoded.map((values) => values[name]!),
      ),
    );
    yield recordBatch(schema, [ids, ...lists]);
  }
}

async function fileReader(handle: FileHandle, path: string): Promise<AsyncRecordBatchFileReader> {
  const reader = await RecordBatchReader.from(handle);
  if (!(reader instanceof AsyncRecordBatchFileReader))
    throw new UserError({ file: path, problem: 'not an Arrow IPC file', remedy: 'run "make logits"' });
  return reader.open();
}
