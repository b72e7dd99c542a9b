// Which text repeats an earlier one: pairs that MinHash proposes (minHash.ts), each then measured on the whole sets of
// shingles. So no text is turned down that is not as similar as it is said to be; of those that are, the few that MinHash
// overlooks near the threshold stay. The npm package `minhash` (0.0.9) is not used: its orders are products beyond 2^53,
// which a double rounds, it hashes each shingle's text anew for every order, and it compares no sets.
import { bandHasher, bandsFor } from './minHash.ts';
import { jaccard, sameWords, shinglesOf } from './shingles.ts';

/** The earlier text that one repeats. */
export interface Repeat<T> {
  of: T;
  /** Jaccard similarity of their word n-grams. */
  similarity: number;
  /** The same words in the same order. */
  isSame: boolean;
}

/**
 * Compares texts with those before them. Of each it tells the most similar one that reaches the threshold (of equally
 * similar ones the first); a text that repeats none is remembered, under its owner.
 * @param similarity Jaccard similarity from which a text counts as a repetition
 * @param words words of a shingle
 */
export function repeatedTexts<T>({
  similarity: threshold,
  words,
}: {
  similarity: number;
  words: number;
}): (text: string, owner: T) => Repeat<T> | undefined {
  const cut = bandsFor(threshold);
  const keysOf = bandHasher(cut);
  const bands = Array.from({ length: cut.bands }, () => new Map<number, number[]>());
  const known: { owner: T; text: string; shingles: Uint32Array }[] = [];
  const mostSimilar = (shingles: Uint32Array, keys: Int32Array) => {
    let best = { index: -1, similarity: 0 };
    for (const index of proposed(bands, keys)) {
      const similarity = jaccard(shingles, known[index]!.shingles);
      if (similarity >= threshold && similarity > best.similarity) best = { index, similarity };
    }
    return best;
  };
  return (text, owner) => {
    const shingles = shinglesOf(text, words);
    const keys = keysOf(shingles);
    const { index, similarity } = mostSimilar(shingles, keys);
    const earlier = known[index];
    if (earlier) return { of: earlier.owner, similarity, isSame: sameWords(text, earlier.text) };
    enter(bands, keys, known.push({ owner, text, shingles }) - 1);
    return undefined;
  };
}

type BandIndex = readonly Map<number, number[]>[];

/** Those that have a band in common, in the order in which they came. */
function proposed(bands: BandIndex, keys: Int32Array): number[] {
  const found = new Set(bands.flatMap((band, i) => band.get(keys[i]!) ?? []));
  return [...found].sort((a, b) => a - b);
}

function enter(bands: BandIndex, keys: Int32Array, index: number): void {
  for (const [i, band] of bands.entries()) {
    const others = band.get(keys[i]!);
    if (others) others.push(index);
    else band.set(keys[i]!, [index]);
  }
}
