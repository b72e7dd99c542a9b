// What the cache holds, for each source of the mix: how much, how wide, and how much probability was left out. The cache
// is read once, sample by sample, and nothing is kept of a sample but a few sums and a count of its tail masses by size,
// so memory does not grow with the mix.
import type { Sample } from '../mix/tokensArrow.ts';
import { float32OfFloat16, toFloat16 } from '../model/halfPrecision.ts';
import type { Fidelity } from './fidelity.ts';
import type { LogitsReader } from './logitsCache.ts';
import { valueBytes } from './logitsShard.ts';
import type { ShardFormat } from './shardColumns.ts';
import type { ShardRecord } from './shardRecords.ts';

export type SourceStatistics = {
  samples: number;
  /** Loss positions. */
  tokens: number;
  mean_k: number;
  /** Size of the shards over loss positions. */
  bytes_per_token: number;
  /** Probability outside the kept tokens at temperature 1, over the loss positions; drawn tokens have no outside. */
  mean_tail_mass?: number;
  p99_tail_mass?: number;
};

/** The statistics in the manifest of a logits cache. */
export type LogitsStatistics = {
  vocabulary_size: number;
  temperatures: number[];
  /** Tokens drawn at each position; absent where the most probable ones are kept. */
  draws?: number;
  sources: Record<string, SourceStatistics>;
  total: SourceStatistics;
  /** By source, and `total`; absent when no sequences were to be compared. */
  fidelity?: Record<string, Fidelity>;
};

/**
 * Reads the whole cache once, so that every shard is also checked against its sha256.
 * @param records of the shards that hold the samples
 */
export async function measureCache(
  samples: readonly Sample[],
  cache: Pick<LogitsReader, 'read'>,
  { format, records }: { format: ShardFormat; records: readonly ShardRecord[] },
): Promise<Pick<LogitsStatistics, 'sources' | 'total'>> {
  const tallies = new Map<string, Tally>();
  for (const { id, source } of samples) {
    const tally = tallies.get(source) ?? emptyTally();
    tallies.set(source, tally);
    const { counts, ids, logTailMass } = await cache.read(id);
    tally.samples++;
    tally.positions += counts.length;
    tally.tokens += ids.length;
    tally.bytes += valueBytes({ positions: counts.length, tokens: ids.length }, format);
    addTails(tally, logTailMass.map(Math.exp));
  }
  const sorted = [...tallies].sort(([a], [b]) => (a < b ? -1 : 1));
  const options = { scale: fileBytesPerValueByte(records), hasTails: format.draws === undefined };
  const sources = Object.fromEntries(sorted.map(([name, tally]) => [name, statisticsOf([tally], options)]));
  return { sources, total: statisticsOf([...tallies.values()], options) };
}

interface Tally {
  samples: number;
  positions: number;
  /** Kept or drawn, over all positions. */
  tokens: number;
  bytes: number;
  /** Sum of the tail masses, and how many have each float16 value, by its bits. */
  tail: number;
  tails: Uint32Array;
}

function emptyTally(): Tally {
  return { samples: 0, positions: 0, tokens: 0, bytes: 0, tail: 0, tails: new Uint32Array(1 << 16) };
}

function addTails(tally: Tally, masses: Float32Array): void {
  for (const mass of masses) tally.tail += mass;
  for (const bits of toFloat16(masses)) tally.tails[bits]!++;
}

/** What Arrow puts around the values, shared among them all. */
function fileBytesPerValueByte(records: readonly ShardRecord[]): number {
  return sumOf(records, ({ shard }) => shard.bytes) / sumOf(records, (record) => record.valueBytes);
}

function statisticsOf(
  tallies: readonly Tally[],
  { scale, hasTails }: { scale: number; hasTails: boolean },
): SourceStatistics {
  const sum = (of: (tally: Tally) => number) => sumOf(tallies, of);
  const positions = sum((tally) => tally.positions);
  const perToken = (total: number) => (positions === 0 ? 0 : total / positions);
  return {
    samples: sum(({ samples }) => samples),
    tokens: positions,
    mean_k: perToken(sum(({ tokens }) => tokens)),
    bytes_per_token: perToken(scale * sum(({ bytes }) => bytes)),
    ...(hasTails && {
      mean_tail_mass: perToken(sum(({ tail }) => tail)),
      p99_tail_mass: quantile(tallies, Math.ceil(0.99 * positions)),
    }),
  };
}

/** The tail mass that `rank` positions do not exceed; bits of positive float16 numbers are in their order. */
function quantile(tallies: readonly Tally[], rank: number): number {
  let [bits, below] = [-1, 0];
  while (below < rank) {
    bits++;
    for (const { tails } of tallies) below += tails[bits]!;
  }
  return bits < 0 ? 0 : float32OfFloat16(Uint16Array.of(bits))[0]!;
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
