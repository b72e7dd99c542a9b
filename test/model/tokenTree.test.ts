// Packs of random sequences against what they stand for: every different beginning is one token, which sees its own.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { compareSequences, treeLength, tokenTree } from '../../pipeline/model/tokenTree.ts';

const stream = xoroshiro128plus(7);

/** Sequences over 2 tokens, so that beginnings are shared often, all starting with `common`. */
function randomSequences(count: number, common: number[]): number[][] {
  const random = (most: number) => uniformInt(stream, 0, most);
  return Array.from({ length: count }, () => [
    ...common,
    ...Array.from({ length: 1 + random(9) }, () => random(1)),
  ]).sort(compareSequences);
}

for (const start of [0, 3])
  t.test(`${start} tokens are cached`, (t) => {
    for (let round = 0; round < 20; round++) {
      const sequences = randomSequences(12, [5, 6, 7]);
      const { ids, positions, spans, places } = tokenTree(sequences, { start });
      const beginnings = new Set(
        sequences.flatMap((sequence) =>
          sequence.slice(start).map((_, i) => sequence.slice(0, start + i + 1).join()),
        ),
      );
      t.equal(ids.length, beginnings.size);
      t.equal(treeLength(sequences, { start }), beginnings.size);
      sequences.forEach((sequence, s) => {
        const own = [...places[s]!];
        t.strictSame(
          own.map((place) => ids[place]),
          sequence.slice(start),
        );
        t.strictSame(
          own.map((place) => positions[place]),
          sequence.map((_, i) => i).slice(start),
        );
        own.forEach((place, i) => t.strictSame(expand(spans[place]!), own.slice(0, i + 1)));
      });
    }
    t.end();
  });

t.test('order is lexicographic, a beginning first', (t) => {
  const sorted = [[], [1], [1, 2], [1, 2, 0], [1, 10], [2]];
  t.strictSame([...sorted].reverse().sort(compareSequences), sorted);
  t.end();
});

function expand(spans: number[]): number[] {
  return spans.flatMap((begin, i) =>
    i % 2 === 1 ? [] : Array.from({ length: spans[i + 1]! - begin }, (_, j) => begin + j),
  );
}
