// Token ids of every width come back, and take no more bits than the vocabulary asks for.
import t from 'tap';
import { highBitsOf, joinIds, lowHalves, packHighBits } from '../../pipeline/logits/tokenIds.ts';

const WIDTHS = [
  [300, 0],
  [65_536, 0],
  [65_537, 1],
  [131_072, 1],
  [131_073, 2],
  [151_936, 2],
  [262_144, 2],
  [262_145, 3],
] as const;

for (const [V, bits] of WIDTHS)
  t.test(`${V} tokens: ${bits} bits above the 16th`, (t) => {
    t.equal(highBitsOf(V), bits);
    for (const length of [0, 1, 3, 101]) {
      const ids = Int32Array.from({ length }, (_, i) => (V - 1 + 977 * i) % V);
      const [low, high] = [lowHalves(ids), packHighBits(ids, bits)];
      t.equal(high.length, Math.ceil((length * bits) / 8));
      t.same(joinIds(low, high, bits), ids);
    }
    t.end();
  });

t.test('bits are packed from the lowest of the first byte up', (t) => {
  const ids = [1, 2, 3, 0, 1].map((high) => high * 65_536 + 5);
  t.same([...packHighBits(Int32Array.from(ids), 2)], [0b00_11_10_01, 0b01]);
  t.end();
});
