// A shard of the logits cache: an uncompressed Arrow IPC file, one row a sample, several samples a record batch, read
// at random by batch. Plain types only, so that other tools read it; with pyarrow:
//
//   import pyarrow as pa, numpy as np
//   with pa.OSFile('shard.arrow', 'rb') as file:
//       for row in pa.ipc.open_file(file).read_all().to_pylist():
//           ids = np.array(row['ids_high'], np.int64) * 65536 + np.array(row['ids_low'], np.int64)
//           ends = np.cumsum(row['k'])  # position p has the tokens ends[p] - k[p] up to ends[p]
//           for p, (end, k) in enumerate(zip(ends, row['k'])):
//               tokens, log_probs = ids[end - k:end], row['logprobs'][end - k:end]  # most probable first
//               logits, tail = log_probs + row['logsumexp'][p], row['log_tail_mass'][p]
//
// Position p is the p-th target of the loss mask; its values are those of the hidden state one token before it.
import { open, type FileHandle } from 'node:fs/promises';
import {
  AsyncRecordBatchFileReader,
  Field,
  Float16,
  Float32,
  RecordBatchReader,
  Schema,
  Uint16,
  Uint8,
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
  type NumberList,
} from '../artifact/arrowFile.ts';
import type { FileRecord } from '../artifact/commitFile.ts';
import { UserError } from '../config/userError.ts';
import { cutBySize } from '../mix/cutBySize.ts';
import { toFloat16, toFloat32 } from '../model/halfPrecision.ts';

export const logitsFormatVersion = 1;

/** Kept tokens after which a record batch is closed: some 200 kB, so that a sample is read in well under a millisecond. */
const BATCH_ENTRIES = 1 << 15;

/** The kept tokens of a sample with P loss positions, k of them at a position, end to end. */
export interface SampleLogits {
  id: string;
  counts: Uint16Array; // [P]
  ids: Int32Array; // [Σ k], most probable first at each position
  logProbs: Float32Array; // [Σ k], at temperature 1
  /** One for each temperature of the cache, 1 being the first. */
  atTemperature: {
    logSumExp: Float32Array; // [P], of logits / T over the whole vocabulary
    logTailMass: Float32Array; // [P], log of the probability of all tokens not kept; -Infinity for none
  }[];
}

/** What a shard says of itself. */
export interface ShardFormat {
  vocabularySize: number;
  /** Starts with 1. */
  temperatures: readonly number[];
  /** Of log-probabilities and tail masses. */
  precision: 'float16' | 'float32';
}

/** A shard being read; `close` it. */
export interface Shard {
  readBatch: (index: number) => Promise<SampleBatch>;
  close: () => Promise<void>;
}

/** The samples of a record batch, decoded one by one. */
export type SampleBatch = (row: number) => SampleLogits;

/**
 * Commits a shard.
 * @returns its record, and how many rows each record batch has
 */
export async function writeShard(
  path: string,
  samples: readonly SampleLogits[],
  format: ShardFormat,
): Promise<{ record: FileRecord; batches: number[] }> {
  const groups = cutBySize(samples, { size: BATCH_ENTRIES, sizeOf: ({ ids }) => ids.length });
  const columns = columnsOf(format);
  const schema = schemaOf(columns, format);
  const record = await commitArrow(
    path,
    groups.map((group) => sampleRecords(group, columns, schema)),
  );
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
    const readBatch = async (index: number) => {
      const batch = await oneAtATime(() => reader.readRecordBatch(index));
      if (!batch) throw new Error(`${path} has no record batch ${index}`);
      return sampleBatch(batch, format);
    };
    return { readBatch, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Bytes of a sample's values in a shard. */
export function bytesOf(
  { id, counts, ids }: Pick<SampleLogits, 'id' | 'counts' | 'ids'>,
  { temperatures, precision }: ShardFormat,
): number {
  const width = precision === 'float16' ? 2 : 4;
  const perPosition = 2 + temperatures.length * (4 + width);
  return id.length + counts.length * perPosition + ids.length * (3 + width);
}

/** A list column: its element type, what it means, and a sample's list. */
interface Column {
  name: string;
  type: Uint8 | Uint16 | Float16 | Float32;
  meaning: string;
  valuesOf: (sample: SampleLogits) => NumberList;
}

function columnsOf({ temperatures, precision }: ShardFormat): Column[] {
  const [type, rounded] =
    precision === 'float16' ? [new Float16(), toFloat16] : [new Float32(), (values: Float32Array) => values];
  const atTemperature = temperatures.flatMap((T, t): Column[] => [
    {
      name: `logsumexp${suffix(T)}`,
      type: new Float32(),
      meaning: `log-sum-exp of logits / ${T} over the vocabulary, at each position`,
      valuesOf: (sample) => sample.atTemperature[t]!.logSumExp,
    },
    {
      name: `log_tail_mass${suffix(T)}`,
      type,
      meaning: `log of the probability of all tokens not listed, at temperature ${T}, at each position`,
      valuesOf: (sample) => rounded(sample.atTemperature[t]!.logTailMass),
    },
  ]);
  return [
    { name: 'k', type: new Uint16(), meaning: 'tokens listed at each position', valuesOf: (s) => s.counts },
    {
      name: 'ids_low',
      type: new Uint16(),
      meaning: 'token id modulo 65536, k of them a position, most probable first',
      valuesOf: ({ ids }) => Uint16Array.from(ids, (id) => id & 0xffff),
    },
    {
      name: 'ids_high',
      type: new Uint8(),
      meaning: 'token id divided by 65536, rounded down',
      valuesOf: ({ ids }) => Uint8Array.from(ids, (id) => id >>> 16),
    },
    {
      name: 'logprobs',
      type,
      meaning: 'log-probability at temperature 1; plus logsumexp it is the logit',
      valuesOf: ({ logProbs }) => rounded(logProbs),
    },
    ...atTemperature,
  ];
}

function suffix(temperature: number): string {
  return temperature === 1 ? '' : `_t${temperature}`;
}

const KEYS = {
  version: 'redistill.format_version',
  vocabularySize: 'redistill.vocabulary_size',
  temperatures: 'redistill.temperatures',
  precision: 'redistill.precision',
};

function schemaOf(
  columns: readonly Column[],
  { vocabularySize, temperatures, precision }: ShardFormat,
): Schema {
  const fields = columns.map(({ name, type, meaning }) =>
    listField(name, type, new Map([['meaning', meaning]])),
  );
  const metadata = new Map([
    [KEYS.version, String(logitsFormatVersion)],
    [KEYS.vocabularySize, String(vocabularySize)],
    [KEYS.temperatures, JSON.stringify(temperatures)],
    [KEYS.precision, precision],
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
  return {
    vocabularySize: Number(metadata.get(KEYS.vocabularySize)),
    temperatures: JSON.parse(metadata.get(KEYS.temperatures)!) as number[],
    precision: metadata.get(KEYS.precision) as ShardFormat['precision'],
  };
}

function sampleRecords(
  samples: readonly SampleLogits[],
  columns: readonly Column[],
  schema: Schema,
): RecordBatch {
  const ids = textColumn(samples.map(({ id }) => id));
  const lists = columns.map(({ type, valuesOf }) => listColumn(type, samples.map(valuesOf)));
  return recordBatch(schema, [ids, ...lists]);
}

async function fileReader(handle: FileHandle, path: string): Promise<AsyncRecordBatchFileReader> {
  const reader = await RecordBatchReader.from(handle);
  if (!(reader instanceof AsyncRecordBatchFileReader))
    throw new UserError({ file: path, problem: 'not an Arrow IPC file', remedy: 'run "make logits"' });
  return reader.open();
}

/** Token ids of their low 16 bits and what is above. */
function joinIds(low: NumberList, high: NumberList): Int32Array {
  const ids = new Int32Array(low.length);
  for (let i = 0; i < ids.length; i++) ids[i] = high[i]! * 65536 + low[i]!;
  return ids;
}

function sampleBatch(batch: RecordBatch, { temperatures, precision }: ShardFormat): SampleBatch {
  const rounded = (name: string, row: number): Float32Array => {
    const values = listAt(batch, name, row);
    if (precision === 'float32') return values as Float32Array;
    const data = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    return toFloat32({ dtype: 'F16', data });
  };
  return (row) => ({
    id: textAt(batch, 'id', row),
    counts: listAt(batch, 'k', row) as Uint16Array,
    ids: joinIds(listAt(batch, 'ids_low', row), listAt(batch, 'ids_high', row)),
    logProbs: rounded('logprobs', row),
    atTemperature: temperatures.map((T) => ({
      logSumExp: listAt(batch, `logsumexp${suffix(T)}`, row) as Float32Array,
      logTailMass: rounded(`log_tail_mass${suffix(T)}`, row),
    })),
  });
}
