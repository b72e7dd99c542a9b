// MinHash signatures in bands (Broder 1997; in bands Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4;
// on training text Lee et al. 2022, arXiv 2107.06499). Under a random order of all shingles two sets have the same first
// one with the probability of their Jaccard similarity s. Of b bands of r such firsts, one at least agrees with the
// probability 1 - (1 - s^r)^b. The orders are x -> a x + c modulo 2^32, a odd, of hashes that are well mixed already.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** How a signature is cut up. */
export interface Bands {
  bands: number;
  rows: number;
}

/** Orders in a signature, at most. */
const ORDERS = 128;

/** The least probability that two texts at the threshold have a band in common. */
const RECALL = 0.995;

/** The probability that two sets of a Jaccard similarity have a band in common. */
export function bandProbability(similarity: number, { bands, rows }: Bands): number {
  return 1 - (1 - similarity ** rows) ** bands;
}

/**
 * The longest bands (so the fewest pairs to compare in vain) that find pairs at a threshold with probability 0.995 or more.
 * For 0.8 these are 21 bands of 6; they find 63 % of the pairs at 0.6, 92.8 % at 0.7, 99.83 % at 0.8 and all but
 * 1 in 8 million at 0.9.
 */
export function bandsFor(threshold: number): Bands {
  for (let rows = ORDERS; rows > 1; rows--) {
    const cut = { rows, bands: Math.floor(ORDERS / rows) };
    if (bandProbability(threshold, cut) >= RECALL) return cut;
  }
  return { rows: 1, bands: ORDERS };
}

/** Makes the key of each band [bands] of a set of shingles; sets whose firsts in a band are the same have the same key. */
export function bandHasher({ bands, rows }: Bands): (shingles: Uint32Array) => Int32Array {
  const random = xoroshiro128plus(0); // always the same orders: which pairs are found is no matter of the mix's seed
  const factors = Int32Array.from({ length: bands * rows }, () => random.next() | 1);
  const offsets = Int32Array.from({ length: bands * rows }, () => random.next());
  return (shingles) => {
    const keys = new Int32Array(bands);
    for (let order = 0; order < factors.length; order++) {
      const band = Math.floor(order / rows);
      const first = firstUnder(shingles, { factor: factors[order]!, offset: offsets[order]! });
      keys[band] = Math.imul(keys[band]! ^ first, 0x85ebca6b) ^ (keys[band]! >>> 13);
    }
    return keys;
  };
}

function firstUnder(shingles: Uint32Array, { factor, offset }: { factor: number; offset: number }): number {
  let first = 0x7fffffff;
  for (let i = 0; i < shingles.length; i++) {
    const place = (Math.imul(factor, shingles[i]!) + offset) | 0;
    if (place < first) first = place;
  }
  return first;
}
