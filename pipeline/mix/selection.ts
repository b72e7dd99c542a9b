// Which rows may make the mix: of each source the lowest in a seeded hash (bottom-k sampling), so the choice depends on
// the rows and the seed but not on their order, and a larger mix contains the smaller one. Order and held-out samples
// are decided by further hashes, each under a name of its own.
import { sha256OfText } from '../artifact/fingerprint.ts';
import type { MixConfig } from './mixConfig.ts';

/** A uniform pseudo-random rank of `content` (hex; lower comes first). */
export function rankOf(seed: number, purpose: 'choice' | 'order' | 'held_out', content: string): string {
  return sha256OfText(`${seed} ${purpose} ${content}`);
}

/** What `lowestRanked` compares: `id` is identity, `rank` precedence. */
interface Ranked {
  id: string;
  rank: string;
}

/** The lowest of a stream of candidates, in memory of about their number. */
export interface LowestRanked<T extends Ranked> {
  /** False when a candidate of this rank cannot be among the lowest any more, or is not above `above`. */
  admits: (rank: string) => boolean;
  /** Adds a candidate; of two with the same id the lower one stays. */
  add: (candidate: T) => Twins<T> | undefined;
  /** The lowest `size` so far, in the order of their ranks. */
  members: () => T[];
  /** The rank up to which no candidate is missing among the members; undefined when none is missing at all. */
  limit: () => string | undefined;
}

/** Two candidates with the same id. */
export interface Twins<T> {
  kept: T;
  dropped: T;
}

/** Keeps the `size` lowest-ranked candidates with distinct ids, of those that rank above `above`. */
export function lowestRanked<T extends Ranked>({
  size,
  above = '',
}: {
  size: number;
  above?: string | undefined;
}): LowestRanked<T> {
  const slack = Math.ceil(size / 4); // sorting now and then is simpler than a heap, and as fast
  const kept = new Map<string, T>();
  let limit = size === 0 ? '' : undefined;
  const members = () => {
    const sorted = [...kept.values()].sort(byRank);
    for (const { id } of sorted.splice(size)) kept.delete(id);
    if (sorted.length === size) limit = sorted.at(-1)?.rank ?? '';
    return sorted;
  };
  return {
    members,
    limit: () => limit,
    admits: (rank) => rank > above && (limit === undefined || rank <= limit),
    add(candidate) {
      const twin = kept.get(candidate.id);
      if (twin && twin.rank <= candidate.rank) return { kept: twin, dropped: candidate };
      kept.set(candidate.id, candidate);
      if (kept.size > size + slack) members();
      return twin && { kept: candidate, dropped: twin };
    },
  };
}

/** Sorts by rank, lowest first. */
export function byRank(a: Pick<Ranked, 'rank'>, b: Pick<Ranked, 'rank'>): number {
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0;
}

/**
 * How many samples each source gives: its count, or its part by weight of what the counts leave of `total`,
 * rounded by the largest remainder. The parts of weighted sources add up exactly.
 */
export function quotas({ total, sources }: Pick<MixConfig, 'total' | 'sources'>): Record<string, number> {
  const names = Object.keys(sources).sort();
  const counted = names.reduce((sum, name) => sum + (sources[name]!.count ?? 0), 0);
  const weighted = names.filter((name) => sources[name]!.weight !== undefined);
  const weightSum = weighted.reduce((sum, name) => sum + sources[name]!.weight!, 0);
  const exact = weighted.map((name) => ({
    name,
    share: ((total - counted) * sources[name]!.weight!) / weightSum,
  }));
  const floors = exact.map(({ name, share }) => [name, Math.floor(share)] as const);
  const left = total - counted - floors.reduce((sum, [, floor]) => sum + floor, 0);
  const byRemainder = exact.toSorted((a, b) => (b.share % 1) - (a.share % 1)).map(({ name }) => name);
  const roundedUp = new Set(byRemainder.slice(0, left));
  return Object.fromEntries([
    ...names.map((name) => [name, sources[name]!.count ?? 0] as const),
    ...floors.map(([name, floor]) => [name, floor + (roundedUp.has(name) ? 1 : 0)] as const),
  ]);
}
