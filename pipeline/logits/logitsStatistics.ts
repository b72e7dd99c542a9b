// What the cache holds, for each source of the mix: how much, how wide, and how much probability was left out.
import type { Sample } from '../mix/tokensArrow.ts';
import type { Fidelity } from './fidelity.ts';
import type { LogitsReader } from './logitsCache.ts';
import { bytesOf, type ShardFormat } from './logitsShard.ts';

export type SourceStatistics = {
  samples: number;
  /** Loss positions. */
  tokens: number;
  mean_k: number;
  bytes_per_token: number;
  /** Probability outside the kept tokens at temperature 1, over the loss positions. */
  mean_tail_mass: number;
  p99_tail_mass: number;
};

/** The statistics in the manifest of a logits cache. */
export type LogitsStatistics = {
  vocabulary_size: number;
  temperatures: number[];
  sources: Record<string, SourceStatistics>;
  total: SourceStatistics;
  fidelity: Fidelity;
};

/** Reads the whole cache once, so that every shard is also checked against its sha256. */
export async function measureCache(
  samples: readonly Sample[],
  cache: LogitsReader,
  format: ShardFormat,
): Promise<Pick<LogitsStatistics, 'sources' | 'total'>> {
  const tallies = new Map<string, Tally>();
  for (const { id, source } of samples) {
    const tally = tallies.get(source) ?? { samples: 0, kept: 0, bytes: 0, tails: [] };
    tallies.set(source, tally);
    const { counts, ids, logTailMass } = await cache.read(id);
    tally.samples++;
    tally.kept += ids.length;
    tally.bytes += bytesOf({ id, counts, ids }, format);
    tally.tails.push(logTailMass.map(Math.exp));
  }
  const sorted = [...tallies].sort(([a], [b]) => (a < b ? -1 : 1));
  const sources = Object.fromEntries(sorted.map(([source, tally]) => [source, statisticsOf([tally])]));
  return { sources, total: statisticsOf([...tallies.values()]) };
}

interface Tally {
  samples: number;
  kept: number;
  bytes: number;
  tails: Float32Array[];
}

function statisticsOf(tallies: readonly Tally[]): SourceStatistics {
  const total = (of: (tally: Tally) => number) => tallies.reduce((sum, tally) => sum + of(tally), 0);
  const tails = joined(tallies.flatMap((tally) => tally.tails)).sort();
  const perToken = (sum: number) => (tails.length === 0 ? 0 : sum / tails.length);
  return {
    samples: total(({ samples }) => samples),
    tokens: tails.length,
    mean_k: perToken(total(({ kept }) => kept)),
    bytes_per_token: perToken(total(({ bytes }) => bytes)),
    mean_tail_mass: perToken(tails.reduce((sum, tail) => sum + tail, 0)),
    p99_tail_mass: tails[Math.ceil(0.99 * tails.length) - 1] ?? 0,
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
