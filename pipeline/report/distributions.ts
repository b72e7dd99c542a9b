// How long the samples of each source are, and how the cache's k and tail mass are spread over its positions: what the
// manifests keep only as means. Read from tokens.arrow, and from as many shards as take a second or two; those are a fair
// sample, as the mix is in random order.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readShards, type LocatedShard } from '../logits/logitsCache.ts';
import { readRecord } from '../logits/shardRecords.ts';
import { readMix } from '../mix/tokensArrow.ts';
import type { Run } from './readRun.ts';

const MOST_BYTES = 128 * 2 ** 20; // of shards

/** By source: a value a sample, or a position. */
export type ValuesBySource = Map<string, number[]>;

/** What is not there is undefined. */
export interface Distributions {
  /** Tokens of each sample. */
  lengths?: ValuesBySource;
  /** At each loss position of `samples` samples: how many tokens were kept, and the probability of all others. */
  cache?: { samples: number; kept: ValuesBySource; tailMass: ValuesBySource };
}

/** Reads them from the run in `folder`. */
export async function readDistributions(folder: string, run: Run): Promise<Distributions> {
  const mix = join(folder, 'mix');
  if (!run.mix || !existsSync(join(mix, 'tokens.arrow'))) return {};
  const { samples } = await readMix(mix);
  const sourceOf = new Map(samples.map(({ id, source }) => [id, source]));
  const lengths: ValuesBySource = new Map();
  for (const { source, tokenIds } of samples) add(lengths, source, [tokenIds.length]);
  const shards = await firstShards(join(folder, 'logits'), run);
  return { lengths, ...(shards.length > 0 && { cache: await cacheValues(shards, sourceOf) }) };
}

async function firstShards(folder: string, { logits }: Run): Promise<LocatedShard[]> {
  const shards: LocatedShard[] = [];
  let bytes = 0;
  for (const { file } of logits?.files ?? []) {
    if (!file.endsWith('.json')) continue;
    const location = join(folder, dirname(file));
    const record = await readRecord(join(folder, file));
    bytes += record?.shard.bytes ?? 0;
    if (!record || (shards.length > 0 && bytes > MOST_BYTES)) break;
    if (existsSync(join(location, record.shard.file))) shards.push({ folder: location, record });
  }
  return shards;
}

/** Samples that are no longer in the mix do not count. */
async function cacheValues(shards: readonly LocatedShard[], sourceOf: ReadonlyMap<string, string>) {
  const kept: ValuesBySource = new Map();
  const tailMass: ValuesBySource = new Map();
  const ids = shards.flatMap(({ record }) => record.samples).filter((id) => sourceOf.has(id));
  const reader = readShards(shards, [1]);
  try {
    for (const id of ids) {
      const { counts, logTailMass } = await reader.read(id);
      add(kept, sourceOf.get(id)!, counts);
      add(tailMass, sourceOf.get(id)!, logTailMass.map(Math.exp));
    }
  } finally {
    await reader.close();
  }
  return { samples: ids.length, kept, tailMass };
}

function add(values: ValuesBySource, source: string, more: Iterable<number>): void {
  const own = values.get(source) ?? [];
  for (const value of more) own.push(value);
  values.set(source, own);
}
