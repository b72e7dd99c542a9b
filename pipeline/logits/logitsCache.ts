// The logits cache as training reads it: by sample id, in any order. The index comes from the records beside the
// shards; a shard is checked against its sha256 when it is first needed (Arrow's own validation does not see a flipped
// bit), and a few record batches are kept, as samples are asked for in shuffled order and memory must stay bounded.
import { dirname, join } from 'node:path';
import { readManifest, verifyFile, type Manifest } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { logitsFormatVersion, openShard, type SampleBatch, type Shard } from './logitsShard.ts';
import type { SampleLogits } from './shardColumns.ts';
import { readRecord, type ShardRecord } from './shardRecords.ts';

const COMMAND = 'make logits';

/** The teacher at the P loss positions of a sample: position p is the p-th j >= 1 with loss mask 1. */
export interface CachedSample {
  counts: Uint16Array; // [P] tokens kept
  ids: Int32Array; // [Σ counts], the most probable first at each position
  /** [Σ counts], at temperature 1: plus logSumExp they are the logits; of drawn tokens the log of their share of draws. */
  logProbs: Float32Array;
  logSumExp: Float32Array; // [P], of the logits
  /** At the temperature asked for: log-sum-exp of logits / T, and log of the probability of all tokens not kept. */
  logSumExpAtTemperature: Float32Array; // [P]
  logTailMass: Float32Array; // [P], -Infinity for none
  /** [P], of the whole distribution; only of drawn tokens. */
  entropy?: Float32Array;
}

/** Reads samples by id; `close` it. */
export interface LogitsReader {
  has: (id: string) => boolean;
  /** @throws UserError for a sample or temperature that the cache lacks, and for a damaged shard. */
  read: (id: string, options?: { temperature?: number }) => Promise<CachedSample>;
  close: () => Promise<void>;
}

/** An open cache. */
export interface LogitsCache extends LogitsReader {
  manifest: Manifest;
  /** Tokens the teacher's distributions are over: padding of its head does not count. */
  vocabularySize: number;
  /** Starts with 1. */
  temperatures: number[];
  /** Tokens drawn at each position; absent where the most probable ones are kept. */
  draws: number | undefined;
}

/**
 * Opens the artifact of the logits stage.
 * @throws UserError when it is missing, damaged or of another version.
 */
export async function openLogits(folder: string): Promise<LogitsCache> {
  const manifest = await readManifest(folder, {
    kind: 'logits',
    formatVersion: logitsFormatVersion,
    command: COMMAND,
  });
  const { vocabulary_size, temperatures, draws } = manifest.statistics;
  const shards: LocatedShard[] = [];
  for (const file of manifest.files.filter((record) => record.file.endsWith('.json'))) {
    await verifyFile(folder, file, COMMAND);
    const record = await readRecord(join(folder, file.file));
    if (record) shards.push({ folder: join(folder, dirname(file.file)), record });
  }
  const reader = readShards(shards, temperatures as number[]);
  return {
    ...reader,
    manifest,
    vocabularySize: vocabulary_size as number,
    temperatures: temperatures as number[],
    draws: draws as number | undefined,
  };
}

/** A shard's record and the folder both lie in. */
export interface LocatedShard {
  folder: string;
  record: ShardRecord;
}

/** Reads samples of the given shards; where several have one, of the first. At most `keptBatches` batches stay in memory. */
export function readShards(
  shards: readonly LocatedShard[],
  temperatures: readonly number[],
  { keptBatches = 32 } = {},
): LogitsReader {
  const index = indexOf(shards);
  const opened = new Map<LocatedShard, Promise<Shard>>();
  const batchOf = recentlyUsed(keptBatches, async ({ shard, batch }: Place): Promise<SampleBatch> => {
    if (!opened.has(shard)) opened.set(shard, openVerified(shard));
    return (await opened.get(shard)!).readBatch(batch);
  });
  const read: LogitsReader['read'] = async (id, { temperature = 1 } = {}) => {
    const place = index.get(id);
    const t = temperatures.indexOf(temperature);
    if (!place)
      throw new UserError({
        field: 'sample',
        value: id,
        problem: 'not in the logits cache',
        remedy: `run "${COMMAND}"`,
      });
    if (t < 0) throw unknownTemperature(temperature, temperatures);
    const readRow = await batchOf(`${place.shard.record.chunk} ${place.batch}`, place);
    return atTemperature(readRow(place.row), t);
  };
  const close = async () => {
    for (const shard of await Promise.allSettled(opened.values()))
      if (shard.status === 'fulfilled') await shard.value.close();
  };
  return { has: (id) => index.has(id), read, close };
}

interface Place {
  shard: LocatedShard;
  batch: number;
  row: number;
}

function indexOf(shards: readonly LocatedShard[]): Map<string, Place> {
  const index = new Map<string, Place>();
  for (const shard of shards) {
    let first = 0;
    shard.record.batches.forEach((rows, batch) => {
      for (let row = 0; row < rows; row++) {
        const id = shard.record.samples[first + row]!;
        if (!index.has(id)) index.set(id, { shard, batch, row });
      }
      first += rows;
    });
  }
  return index;
}

async function openVerified({ folder, record: { shard } }: LocatedShard): Promise<Shard> {
  await verifyFile(folder, shard, COMMAND);
  return openShard(join(folder, shard.file));
}

function atTemperature(
  { counts, ids, logProbs, atTemperature, entropy }: SampleLogits,
  t: number,
): CachedSample {
  const { logSumExp, logTailMass } = atTemperature[t]!;
  return {
    ...{ counts, ids, logProbs, logTailMass },
    logSumExp: atTemperature[0]!.logSumExp,
    logSumExpAtTemperature: logSumExp,
    ...(entropy && { entropy }),
  };
}

function unknownTemperature(temperature: number, temperatures: readonly number[]): UserError {
  return new UserError({
    field: 'temperature',
    value: temperature,
    problem: `the logits cache has ${temperatures.join(', ')}`,
    remedy: `add it to "temperatures" in logits.yaml and run "${COMMAND}"`,
  });
}

/** `make`, with its last `limit` values kept by key. */
function recentlyUsed<A, V>(limit: number, make: (argument: A) => Promise<V>) {
  const kept = new Map<string, Promise<V>>();
  return (key: string, argument: A): Promise<V> => {
    const value = kept.get(key) ?? make(argument);
    kept.delete(key);
    kept.set(key, value);
    if (kept.size > limit) kept.delete(kept.keys().next().value!);
    return value;
  };
}
