// Near-duplicates against every pair compared as sets of texts, and MinHash against the probability it is built on.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { bandHasher, bandProbability, bandsFor } from '../../pipeline/mix/minHash.ts';
import { repeatedTexts } from '../../pipeline/mix/repeatedTexts.ts';
import { jaccard, sameWords, shinglesOf } from '../../pipeline/mix/shingles.ts';
import { nGrams, similarityOf } from '../nGrams.ts';

const random = xoroshiro128plus(5);
const word = () => `w${uniformInt(random, 0, 3000)}`;
const originals = Array.from({ length: 150 }, () =>
  Array.from({ length: uniformInt(random, 20, 120) }, word),
);
/** Of each text several copies, with more and more words replaced. */
const texts = originals.flatMap((words) =>
  [0, 2, 4, 7].map((percent) =>
    words.map((each) => (uniformInt(random, 0, 99) < percent ? word() : each)).join(' '),
  ),
);
const pairs = texts.flatMap((a, i) =>
  texts.slice(4 * Math.floor(i / 4), i).map((b) => ({ a, b, similarity: similarityOf(a, b, 5) })),
);

t.test('shingles are the n-grams of words, whatever the white space and case', (t) => {
  const text = 'The  cat sat\n on the\tMat, the cat sat on THE mat, and the cat sat on the mat.';
  t.equal(shinglesOf(text, 5).length, nGrams(text, 5).size);
  t.strictSame(shinglesOf(text, 5), shinglesOf(` ${text.toUpperCase().replaceAll(' ', '\u00a0 ')}\n`, 5));
  t.notSame(shinglesOf('is 3 + 5 more than it?', 5), shinglesOf('is 3 - 5 more than it?', 5));
  t.equal(shinglesOf('two words', 5).length, 1, 'a short text is one');
  t.notSame(shinglesOf('two words', 5), shinglesOf('two wards', 5));
  t.equal(shinglesOf(' \n', 5).length, 0);
  t.ok(sameWords('A  b', 'a b ') && !sameWords('a b', 'ab'));
  t.end();
});

t.test('similarity is that of the sets', (t) => {
  t.ok(pairs.every(({ a, b, similarity }) => near(jaccard(shinglesOf(a, 5), shinglesOf(b, 5)), similarity)));
  t.equal(jaccard(new Uint32Array(), new Uint32Array()), 1);
  t.end();
});

t.test('bands agree as often as computed', (t) => {
  const cut = { bands: 8000, rows: 1 };
  const keysOf = bandHasher(cut);
  for (const { a, b, similarity } of pairs.slice(0, 60)) {
    const [x, y] = [a, b].map((text) => keysOf(shinglesOf(text, 5)));
    const agreeing = x!.filter((key, i) => key === y![i]).length / cut.bands;
    const sigma = Math.sqrt((similarity * (1 - similarity)) / cut.bands);
    t.ok(Math.abs(agreeing - similarity) <= 5 * sigma + 1e-9, `${agreeing} of ${similarity}`);
  }
  t.strictSame(bandsFor(0.8), { rows: 6, bands: 21 });
  const isBetween = (similarity: number, least: number, most: number) => {
    const probability = bandProbability(similarity, bandsFor(0.8));
    t.ok(probability >= least && probability <= most, `${similarity}: ${probability}`);
  };
  isBetween(0.6, 0.633, 0.634);
  isBetween(0.7, 0.927, 0.928);
  isBetween(0.8, 0.998, 0.9984);
  isBetween(0.9, 1 - 2e-7, 1);
  t.strictSame(bandsFor(1), { rows: 128, bands: 1 });
  t.ok(bandProbability(0.05, bandsFor(0.05)) > 0.99, 'low thresholds as well as they can be');
  t.end();
});

t.test('who repeats whom: as by comparing every pair', (t) => {
  for (const threshold of [0.6, 0.8, 1]) {
    const repeatOf = repeatedTexts<number>({ similarity: threshold, words: 5 });
    const taken: number[] = [];
    let found = 0;
    let missed = 0;
    const wrong: string[] = [];
    for (const [i, text] of texts.entries()) {
      const kin = taken
        .filter((j) => Math.floor(j / 4) === Math.floor(i / 4))
        .map((j) => ({ of: j, similarity: similarityOf(text, texts[j]!, 5) }))
        .filter(({ similarity }) => similarity >= threshold)
        .toSorted((a, b) => b.similarity - a.similarity || a.of - b.of);
      const repeat = repeatOf(text, i);
      if (!repeat) taken.push(i);
      if (!repeat && kin.length > 0) missed += 1;
      if (!repeat) continue;
      found += 1;
      const best = kin.find(({ of }) => of === repeat.of);
      const isRight =
        best && best.similarity === kin[0]!.similarity && near(best.similarity, repeat.similarity);
      if (!isRight || repeat.isSame !== (texts[repeat.of] === text)) wrong.push(text);
    }
    t.strictSame(wrong, [], 'the most similar one, as similar as it is');
    t.ok(found > 30, `${found} found`);
    t.ok(missed <= found / 100, `${missed} missed`);
  }
  t.end();
});

t.test('no words are words of their own', (t) => {
  const repeatOf = repeatedTexts<string>({ similarity: 0.8, words: 5 });
  t.equal(repeatOf('', 'a'), undefined);
  t.same(repeatOf(' ', 'b'), { of: 'a', similarity: 1, isSame: true });
  t.equal(repeatOf('x', 'c'), undefined);
  t.end();
});

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-9;
}
