// Word n-grams as texts and the Jaccard similarity of their sets: what pipeline/mix/shingles.ts computes from hashes.

/** The runs of `length` words of a text; a shorter one is one run. */
export function nGrams(text: string, length: number): Set<string> {
  const words = text.toLowerCase().match(/\S+/g) ?? [];
  const size = Math.min(length, words.length);
  if (size === 0) return new Set();
  return new Set(
    Array.from({ length: words.length - size + 1 }, (_, start) => words.slice(start, start + size).join(' ')),
  );
}

export function similarityOf(a: string, b: string, length: number): number {
  const [x, y] = [nGrams(a, length), nGrams(b, length)];
  const common = [...x].filter((each) => y.has(each)).length;
  return common / (x.size + y.size - common);
}
