// The adaptive number of tokens: the fewest that reach the mass, none less probable than min_probability, never under
// min_k or over top_k.
import t from 'tap';
import { upload } from '../../pipeline/engine/rawOp.ts';
import { joinPositions, keptTokens } from '../../pipeline/logits/keptTokens.ts';
import { topOfLogits } from '../../pipeline/logits/topTokens.ts';

/** Tokens 5, 4, ... 0 with these probabilities, the rest of the mass on 94 others. */
const PROBABILITIES = [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.02];
const V = 100;

function topOf(k: number, temperatures = [1]) {
  const logits = new Float32Array(V).fill(Math.log((1 - PROBABILITIES.reduce((a, b) => a + b)) / 94) + 3);
  PROBABILITIES.forEach((p, i) => (logits[5 - i] = Math.log(p) + 3));
  return { logits, top: topOfLogits(upload(logits, [1, V]), { k, vocabularySize: V, temperatures }) };
}

const CASES = [
  { mass: 0.4, minK: 1, top: 6, k: 1 },
  { mass: 0.7, minK: 1, top: 6, k: 2 },
  { mass: 0.76, minK: 1, top: 6, k: 3 },
  { mass: 0.4, minK: 4, top: 6, k: 4 },
  { mass: 0.999, minK: 1, top: 6, k: 6 },
  { mass: 0.999, minK: 9, top: 6, k: 6 },
  { mass: 1, minK: 1, top: V, k: V },
  { mass: 1, minK: 1, top: V, minProbability: 0.0624, k: 4 },
  { mass: 1, minK: 1, top: V, minProbability: 0.0626, k: 3 },
  { mass: 0.7, minK: 1, top: V, minProbability: 0.01, k: 2 },
  { mass: 1, minK: 5, top: V, minProbability: 0.2, k: 5 },
];

for (const { mass, minK, minProbability = 0, top: K, k } of CASES)
  t.test(`mass ${mass}, min_k ${minK}, min_probability ${minProbability}, top_k ${K}: ${k} tokens`, (t) => {
    const kept = keptTokens(topOf(K).top, 0, [1], { mass, minK, minProbability })!;
    t.equal(kept.k, k);
    t.same([...kept.ids].slice(0, 6), [5, 4, 3, 2, 1, 0].slice(0, k));
    const tail = 1 - PROBABILITIES.slice(0, k).reduce((a, b) => a + b, 0);
    const found = Math.exp(kept.atTemperature[0]!.logTailMass);
    t.ok(k === V ? found === 0 : Math.abs(found - tail) < 1e-6, `tail ${found}`);
    t.ok(Math.abs(kept.atTemperature[0]!.logSumExp - 3) < 1e-6, 'log-sum-exp of unnormalized logits');
    t.end();
  });

t.test('positions are joined, and each temperature has its own sums', (t) => {
  const { logits, top } = topOf(6, [1, 2]);
  const kept = [1, 3].map((minK) => keptTokens(top, 0, [1, 2], { mass: 0.1, minK })!);
  const sample = joinPositions('a', kept, 2);
  t.same([...sample.counts], [1, 3]);
  t.same([...sample.ids], [5, 5, 4, 3]);
  t.ok([0.5, 0.5, 0.25, 0.125].every((p, i) => Math.abs(sample.logProbs[i]! - Math.log(p)) < 1e-6));
  const total = logits.reduce((sum, z) => sum + Math.exp(z / 2), 0);
  const outside = logits.reduce((sum, z, id) => (id === 5 ? sum : sum + Math.exp(z / 2)), 0);
  t.ok(Math.abs(sample.atTemperature[1]!.logSumExp[0]! - Math.log(total)) < 1e-6);
  t.ok(Math.abs(sample.atTemperature[1]!.logTailMass[0]! - Math.log(outside / total)) < 1e-6);
  t.end();
});
