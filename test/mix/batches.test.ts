// Samples in groups of similar length or even size, as one matrix with or without padding, and the rows that predict
// targets.
import t from 'tap';
import {
  batchesByLength,
  hasTargets,
  lossPositions,
  packedBatch,
  packedBatches,
  paddedBatch,
  targetPositions,
} from '../../pipeline/mix/batches.ts';
import { cutBySize } from '../../pipeline/mix/cutBySize.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';

function sample(i: number, length: number): Sample {
  return {
    ...{ id: `sample-${i}`, source: 'made-up', split: 'train' },
    tokenIds: Int32Array.from({ length }, (_, t) => i + t),
    lossMask: Uint8Array.from({ length }, (_, t) => (t >= 2 ? 1 : 0)),
  };
}

t.test('groups stay within the budget, padding included; a longer sample stands alone', (t) => {
  const groups = batchesByLength(
    [3, 9, 2, 4, 3].map((length, i) => sample(i, length)),
    8,
  );
  t.same(
    groups.map((group) => group.map(({ tokenIds }) => tokenIds.length)),
    [[9], [4, 3], [3, 2]],
  );
  t.same(batchesByLength([], 10), []);
  t.end();
});

t.test('packed batches are few and even; a longer sample stands alone', (t) => {
  const lengthsOf = (lengths: number[], maxTokens: number) =>
    packedBatches(
      lengths.map((length, i) => sample(i, length)),
      maxTokens,
    ).map((batch) => batch.map(({ tokenIds }) => tokenIds.length));
  t.same(lengthsOf([3, 9, 2, 4, 3], 8), [[9], [4, 2], [3, 3]]);
  t.same(lengthsOf([5, 5, 5], 8), [[5], [5], [5]], 'one more than their tokens ask for');
  t.same(lengthsOf([9, 9], 8), [[9], [9]]);
  t.same(lengthsOf([], 8), []);
  t.end();
});

t.test('packed samples follow each other, and nothing predicts the first token of one', (t) => {
  const { ids, B, T, rows, lengths } = packedBatch([sample(10, 4), sample(20, 2), sample(30, 3)]);
  t.same([B, T, lengths], [1, 9, [4, 2, 3]]);
  t.same([...ids], [10, 11, 12, 13, 20, 21, 30, 31, 32]);
  t.same([...rows], [1, 2, 7]);
  t.end();
});

t.test('padding is on the right and targets start at position 1', (t) => {
  const { ids, B, T, rows } = paddedBatch([sample(10, 4), sample(20, 2), sample(30, 3)]);
  t.same([B, T], [3, 4]);
  t.same([...ids], [10, 11, 12, 13, 20, 21, 0, 0, 30, 31, 32, 0]);
  t.same([...rows], [1, 2, 9], 'a target at j is predicted from j - 1');
  const first = { lossMask: Uint8Array.of(1, 0, 1, 1) };
  t.same(targetPositions(first), [2, 3], 'nothing predicts position 0');
  t.same([hasTargets(first), hasTargets({ lossMask: Uint8Array.of(1, 0) })], [true, false]);
  t.equal(lossPositions([sample(0, 5), sample(1, 2)]), 3);
  t.end();
});

t.test('a piece is closed by the item that fills it', (t) => {
  const cut = (items: number[]) => cutBySize(items, { size: 5, sizeOf: (item) => item });
  t.same(cut([2, 2, 2, 5, 0, 9, 1]), [[2, 2, 2], [5], [0, 9], [1]]);
  t.same(cut([]), []);
  t.end();
});
