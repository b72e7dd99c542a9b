// What each precision makes of the same distributions: log-probabilities within its bound, and at every temperature a
// log-sum-exp that is exact and probabilities that add up to 1 with the tail mass. And ids beyond 131,072 as they are.
import t from 'tap';
import { gatherRows } from '../../pipeline/engine/layoutOps.ts';
import { int32 } from '../../pipeline/engine/rawOp.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { openLogits, type CachedSample } from '../../pipeline/logits/logitsCache.ts';
import { paddedBatch } from '../../pipeline/mix/batches.ts';
import { batchShape, hiddenStates, logitsOf } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { randomSamples } from '../tinyMix.ts';
import { CONFIG, dumpScene } from './dumpScene.ts';

const TEMPERATURES = [1, 0.5, 2];

/** Relative rounding of float16 log-probabilities down to -8, and half the range of 20 tokens in 255 steps, twice. */
const BOUNDS = { float32: 1e-6, float16: 8 / 2048, uint8: 10 / 255 } as const;

t.test('log-probabilities, log-sum-exps and tail masses', async (t) => {
  const { at, dump, samples } = await dumpScene(t, { samples: randomSamples(15) });
  const read = async (precision: keyof typeof BOUNDS) => {
    const config = { ...CONFIG, precision, temperatures: TEMPERATURES, fidelity_sequences: 0 };
    const { manifest } = await dump({ config, out: at(precision) });
    const cache = await openLogits(at(precision));
    const byTemperature = TEMPERATURES.map((temperature) =>
      Promise.all(samples.map(({ id }) => cache.read(id, { temperature }))),
    );
    const found = await Promise.all(byTemperature);
    await cache.close();
    t.equal(manifest!.statistics.fidelity, undefined, 'no sequences were asked for');
    return found;
  };
  const exact = await read('float32');
  for (const precision of ['float32', 'float16', 'uint8'] as const) {
    const bound = BOUNDS[precision];
    const found = await read(precision);
    for (const [i, T] of TEMPERATURES.entries()) {
      const pairs = found[i]!.map((sample, s) => [sample, exact[i]![s]!] as const);
      t.ok(
        pairs.every(([a, b]) => farthest(a.logProbs, b.logProbs) <= bound),
        `${precision}: log-probabilities`,
      );
      t.ok(
        pairs.every(([a, b]) => farthest(a.logSumExpAtTemperature, b.logSumExpAtTemperature) === 0),
        `${precision}, T = ${T}: log-sum-exp`,
      );
      const off = Math.max(
        ...found[i]!.flatMap((sample) => totalsOf(sample, T)).map((sum) => Math.abs(sum - 1)),
      );
      const allowed = T === 1 ? Math.min(bound, 2 / 1024) : bound / T; // at T = 1 uint8 is made to add up
      t.ok(off <= allowed + 1e-5, `${precision}, T = ${T}: probabilities add up to 1 within ${off}`);
    }
  }
});

t.test('a vocabulary above 131,072, in a padded head', async (t) => {
  const V = 140_000;
  const samples = randomSamples(3, { vocabSize: V, maxLength: 8 });
  const model = { vocabSize: V, headRows: V + 64, hiddenSize: 16 };
  const config = { top_k: 20, mass: 1, fidelity_sequences: 0, precision: 'uint8' as const };
  const { at, dump } = await dumpScene(t, { samples, model, config });
  await dump();
  const decoder = await loadDecoder(at('teacher'), { dtype: 'bfloat16' });
  const cache = await openLogits(at('out'));
  t.equal(cache.vocabularySize, V);
  const found: number[] = [];
  const expected: number[] = [];
  for (const sample of samples) {
    found.push(...(await cache.read(sample.id)).ids);
    const { ids, rows, ...sizes } = paddedBatch([sample]);
    const top = tf.tidy(() => {
      const hidden = gatherRows(hiddenStates(decoder, ids, batchShape(decoder, sizes)), int32(rows));
      return tf.topk(logitsOf(hidden, decoder).slice([0, 0], [-1, V]), 20).indices.arraySync() as number[][];
    });
    expected.push(...top.flat());
  }
  await cache.close();
  disposeDecoder(decoder);
  const shared = found.filter((id) => expected.includes(id)).length / expected.length;
  t.equal(found.length, expected.length);
  t.ok(shared > 0.98, `${shared} of the tokens are those of the logits`); // equal logits are cut at random
  t.ok(found.some((id) => id >= 131_072) && found.some((id) => id < 65_536));
  t.ok(Math.max(...found) < V, 'no padding');
});

function farthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

/** Of each position the probability of the kept tokens and of the others, at a temperature. */
function totalsOf(
  { counts, logProbs, logSumExp, logSumExpAtTemperature, logTailMass }: CachedSample,
  T: number,
): number[] {
  let end = 0;
  return Array.from(counts, (k, p) => {
    const kept = logProbs.subarray(end, (end += k));
    const probability = (logProb: number) =>
      Math.exp((logProb + logSumExp[p]!) / T - logSumExpAtTemperature[p]!);
    return kept.reduce((sum, logProb) => sum + probability(logProb), Math.exp(logTailMass[p]!));
  });
}
