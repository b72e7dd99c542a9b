// Drawn tokens: each place in the distribution function gives the token there, whatever the blocks; what is listed, the
// log-sum-exp and the entropy are those of the full softmax; the same sample gives the same draws.
import t from 'tap';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { upload } from '../../pipeline/engine/rawOp.ts';
import {
  drawTokens,
  joinDraws,
  placesOfRows,
  stratifiedPlaces,
} from '../../pipeline/logits/sampledTokens.ts';
import { randomSamples } from '../tinyMix.ts';

function randomLogits(n: number, R: number, scale: number): Float32Array {
  const stream = xoroshiro128plus(123_456_789);
  return Float32Array.from({ length: n * R }, () => scale * (uniformFloat64(stream) - 0.5));
}

function softmax(z: Float32Array): Float64Array {
  const max = Math.max(...z);
  const weights = Float64Array.from(z, (value) => Math.exp(value - max));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

/** How often each token lies at one of the places, in float64. */
function drawnBy(p: Float64Array, places: Float64Array): Map<number, number> {
  const found = new Map<number, number>();
  for (const place of places) {
    let [id, sum] = [0, p[0]!];
    while (sum <= place && id < p.length - 1) sum += p[++id]!;
    found.set(id, (found.get(id) ?? 0) + 1);
  }
  return found;
}

for (const [V, R, scale] of [
  [700, 704, 12],
  [256, 256, 30],
  [5, 5, 4],
] as const)
  t.test(`the tokens at given places, V = ${V} of ${R} rows`, (t) => {
    const [n, N] = [40, 25];
    const logits = randomLogits(n, R, scale);
    const stream = xoroshiro128plus(987_654_321);
    const places = Array.from({ length: n }, () => stratifiedPlaces(stream, N));
    const before = tf.memory().numTensors;
    const tensor = upload(logits, [n, R]);
    const drawn = drawTokens(tensor, { vocabularySize: V, places: (row) => places[row]! });
    tensor.dispose();
    t.equal(tf.memory().numTensors, before, 'no tensor is left');
    let [worst, wrong] = [0, 0];
    drawn.forEach((found, row) => {
      const z = logits.slice(row * R, row * R + V);
      const p = softmax(z);
      const expected = drawnBy(p, places[row]!);
      const first = p.indexOf(Math.max(...p));
      expected.set(first, expected.get(first) ?? 0);
      const { ids, draws, entropy, logSumExp } = found!;
      t.equal(ids[0], first, 'the most probable token is listed first');
      const others = [...draws].slice(1);
      if (others.some((times, i) => i > 0 && times > others[i - 1]!)) wrong++;
      if (ids.length !== expected.size || [...ids].some((id, i) => expected.get(id) !== draws[i])) wrong++;
      const exact = p.reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0);
      worst = Math.max(
        worst,
        Math.abs(entropy - exact),
        Math.abs(logSumExp - (z[first]! - Math.log(p[first]!))),
      );
    });
    t.equal(wrong, 0, `rows drawn otherwise, of ${n}`);
    t.ok(worst < 1e-5, `entropy and log-sum-exp differ by ${worst}`);
    t.end();
  });

t.test('places lie one in each part, up to the very end', (t) => {
  const stream = xoroshiro128plus(5);
  for (const N of [1, 2, 50]) {
    const places = stratifiedPlaces(stream, N);
    t.ok(places.every((place, j) => place >= j / N && place <= (j + 1) / N));
  }
  const ends = { vocabularySize: 3, places: () => Float64Array.of(0, 1) };
  const [found] = drawTokens(upload(Float32Array.of(-200, 0, 1, 9), [1, 4]), ends); // exp(-200) is 0 beside the others
  t.same([...found!.ids], [2, 1]);
  t.same([...found!.draws], [1, 1]);
  t.end();
});

t.test('a logit that is NaN or infinite leaves its row undefined, and no other', (t) => {
  for (const bad of [NaN, Infinity]) {
    const values = randomLogits(3, 500, 5);
    values[500 + 123] = bad;
    const options = { vocabularySize: 500, places: () => Float64Array.of(0.5) };
    const found = drawTokens(upload(values, [3, 500]), options);
    t.same(found.map(Boolean), [true, false, true], String(bad));
  }
  t.end();
});

t.test('the places of a sample depend on its id and the seed alone', (t) => {
  const [a, b] = randomSamples(2) as [
    ReturnType<typeof randomSamples>[0],
    ReturnType<typeof randomSamples>[0],
  ];
  const positions = a.lossMask.reduce((sum, mask) => sum + mask, 0);
  const alone = placesOfRows([a], 7);
  const together = placesOfRows([b, a], 7);
  const before = b.lossMask.reduce((sum, mask) => sum + mask, 0);
  for (let row = 0; row < before; row++) together(row);
  const rows = Array.from({ length: positions }, (_, row) => row);
  t.same(
    rows.map((row) => [...together(before + row)]),
    rows.map((row) => [...alone(row)]),
  );
  t.notSame([...placesOfRows([b], 7)(0)], [...placesOfRows([a], 7)(0)]);
  const seeded = [undefined, 0, 1].map((seed) => [...placesOfRows([a], 7, seed)(0)].join());
  t.equal(new Set(seeded).size, 3, 'each seed draws other tokens');
  t.same([...placesOfRows([a], 7, 1)(0)].join(), seeded[2], 'and the same again');
  t.end();
});

t.test('positions are joined with the logs of their shares', (t) => {
  const one = { ids: Int32Array.of(7, 3), draws: Uint16Array.of(0, 4), entropy: 1.5, logSumExp: 9 };
  const sample = joinDraws('a', [one, { ...one, ids: Int32Array.of(1), draws: Uint16Array.of(4) }], 4);
  t.same([...sample.counts], [2, 1]);
  t.same([...sample.ids], [7, 3, 1]);
  t.same([...sample.logProbs], [-Infinity, 0, 0]);
  t.same([...sample.entropy!], [1.5, 1.5]);
  t.end();
});
