// Two-stage top-k is exact, ties included, and the probability outside is that of a float64 softmax.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { download, upload } from '../../pipeline/engine/rawOp.ts';
import { topKPerRow } from '../../pipeline/engine/rowOps.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { topOfLogits, topTokens } from '../../pipeline/logits/topTokens.ts';

/** Logits [n, V] with a spread like that of a language model. */
function randomLogits(n: number, V: number, { steps = 0 } = {}): Float32Array {
  const stream = xoroshiro128plus(n * V);
  return Float32Array.from({ length: n * V }, () => {
    const value = 12 * (uniformFloat64(stream) + uniformFloat64(stream) + uniformFloat64(stream)) - 18;
    return steps === 0 ? value : Math.round(value * steps) / steps;
  });
}

/** Ids by falling logit, then rising id. */
function sortedIds(row: Float32Array): Int32Array {
  return Int32Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
}

/** log-sum-exp of `row / T` and the probability outside `ids`, in float64, summed from the smallest. */
function exactSoftmax(row: Float32Array, ids: Int32Array, T: number): { logSumExp: number; outside: number } {
  const kept = new Set(ids);
  const max = row.reduce((a, b) => Math.max(a, b), -Infinity) / T;
  const sum = (values: number[]) => values.sort((a, b) => a - b).reduce((a, b) => a + b, 0);
  const terms = [...row].map((z) => Math.exp(z / T - max));
  const total = sum([...terms]);
  return { logSumExp: max + Math.log(total), outside: sum(terms.filter((_, id) => !kept.has(id))) / total };
}

const CASES = [
  { name: 'few tokens', n: 5, V: 300, k: 128 },
  { name: 'fewer tokens than k', n: 3, V: 50, k: 128 },
  { name: 'one token kept', n: 4, V: 1000, k: 1 },
  { name: 'V of SmolLM2', n: 4, V: 49_152, k: 128 },
  { name: 'V of Qwen2, which no block width divides', n: 3, V: 151_665, k: 64 },
  { name: 'ties within and across blocks', n: 3, V: 140_001, k: 100, steps: 1 },
  { name: 'all logits equal', n: 2, V: 5000, k: 40, steps: 0.001 },
];

for (const { name, n, V, k, steps = 0 } of CASES)
  t.test(name, (t) => {
    const values = randomLogits(n, V, { steps });
    const before = tf.memory().numTensors;
    const logits = upload(values, [n, V]);
    const temperatures = [1, 2, 0.5];
    const top = topOfLogits(logits, { k, vocabularySize: V, temperatures });
    const K = Math.min(k, V);
    t.equal(top.K, K);
    const reference = topKPerRow(logits, K);
    t.same(top.ids, download(reference.ids), 'ids of TopKV2');
    t.same(top.logits, download(reference.values), 'values of TopKV2');
    for (let row = 0; row < n; row++) {
      const z = values.subarray(row * V, (row + 1) * V);
      const ids = top.ids.subarray(row * K, (row + 1) * K);
      t.same(ids, sortedIds(z).subarray(0, K), 'ids by sorting');
      temperatures.forEach((T, i) => {
        const { firstProbability, outside } = top.atTemperature[i]!;
        const exact = exactSoftmax(z, ids, T);
        const logSumExp = z[ids[0]!]! / T - Math.log(firstProbability[row]!);
        t.ok(Math.abs(logSumExp - exact.logSumExp) < 2e-6, `log-sum-exp at ${T}`);
        const error = Math.abs(outside[row]! - exact.outside) / Math.max(exact.outside, 1e-30);
        t.ok(error < 2e-5, `probability outside at ${T}: ${outside[row]}, relative error ${error}`);
      });
    }
    tf.dispose([logits, reference.ids, reference.values]);
    t.equal(tf.memory().numTensors, before, 'no tensor is left');
    t.end();
  });

t.test('a tail far below what 1 - mass can tell', (t) => {
  const values = Float32Array.from({ length: 2000 }, (_, id) => (id === 77 ? 40 : -id / 1000));
  const { ids, atTemperature } = topOfLogits(upload(values, [1, 2000]), { k: 1, vocabularySize: 2000 });
  const exact = exactSoftmax(values, ids, 1).outside;
  t.ok(exact < 1e-14);
  t.ok(Math.abs(atTemperature[0]!.outside[0]! / exact - 1) < 1e-5);
  t.end();
});

t.test('rows of hidden states through a padded bfloat16 head', (t) => {
  const [N, D, V, R] = [50, 16, 1001, 1024];
  const hidden = upload(randomLogits(N, D), [N, D]);
  const weights = randomLogits(R, D);
  weights.fill(50, V * D); // padding rows would win
  const head = {
    kind: 'dense' as const,
    values: cast(upload(weights, [R, D]), 'bfloat16'),
    trainable: false,
  };
  const rows = Int32Array.from([3, 1, 49, 7, 7]);
  const before = tf.memory().numTensors;
  const blocks = [...topTokens(hidden, rows, head, { k: 10, vocabularySize: V, blockRows: 2 })];
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
  t.same(
    blocks.map(({ n }) => n),
    [2, 2, 1],
  );
  const ids = blocks.flatMap((block) => [...block.ids]);
  t.ok(ids.every((id) => id < V));
  t.same(ids.slice(30, 40), ids.slice(40, 50), 'the same row twice');
  const logits = tf.matMul(
    cast(cast(hidden, 'bfloat16'), 'float32'),
    cast(head.values, 'float32').slice<Tensor>([0, 0], [V, D]),
    false,
    true,
  );
  const first = Array.from(logits.argMax(1).dataSync());
  const expected = [...rows].map((row) => first[row]);
  const differing = expected.filter((id, i) => id !== ids[10 * i]).length;
  t.equal(differing, 0, 'the most probable tokens of the rows asked for');
  t.end();
});

t.test('a logit that is NaN or infinite shows in the probabilities of its row, and in no other', (t) => {
  for (const bad of [NaN, Infinity]) {
    const values = randomLogits(3, 500);
    values[500 + 123] = bad;
    const { atTemperature } = topOfLogits(upload(values, [3, 500]), { k: 4, vocabularySize: 500 });
    t.same(Array.from(atTemperature[0]!.firstProbability, Number.isFinite), [true, false, true], String(bad));
  }
  t.end();
});
