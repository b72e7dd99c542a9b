// Training from drawn tokens is unbiased: the expected gradient of the loss is that of the full softmax, q - p. For a
// tiny vocabulary the expectation is taken over every outcome there is; for a larger one over many seeds, with every
// coordinate within 5 standard errors and their sum of squares within 5 of its own. So for the value, KL(p || q).
import t from 'tap';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { upload } from '../../pipeline/engine/rawOp.ts';
import type { LogitsReader } from '../../pipeline/logits/logitsCache.ts';
import { drawTokens, joinDraws, placesOfRows } from '../../pipeline/logits/sampledTokens.ts';
import { decodeSample, encodeSample, type ShardFormat } from '../../pipeline/logits/shardColumns.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { distillationLoss, type DistillationLoss } from '../../pipeline/train/distillationLoss.ts';
import { refuseForDraws } from '../../pipeline/train/drawnTeacher.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainingBatch } from '../../pipeline/train/trainingBatch.ts';
import { sampleOf } from '../tinyMix.ts';

const LOSS: DistillationLoss = {
  ...{ loss: 'forward_kl', beta: 0.5, temperature: 1, tail: 'bucket' },
  ...{ clip: {}, crossEntropyWeight: 0 },
};

function randomLogits(V: number, seed: number): Float32Array {
  const stream = xoroshiro128plus(seed);
  return Float32Array.from({ length: V }, () => 6 * (uniformFloat64(stream) - 0.5));
}

function softmax(z: Float32Array): Float64Array {
  const weights = Float64Array.from(z, (value) => Math.exp(value));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

/** The loss at n positions that share teacher and student but not their draws, through the columns of a shard. */
async function lossOfDraws(
  { teacher, student }: { teacher: Float32Array; student: Float32Array },
  { n, draws, places }: { n: number; draws: number; places: (row: number) => Float64Array },
) {
  const V = teacher.length;
  const repeated = (z: Float32Array) => tf.tile(upload(z, [1, V]), [n, 1]);
  const drawn = drawTokens(repeated(teacher), { vocabularySize: V, places });
  const tokens = new Int32Array(n + 1);
  const sample = sampleOf(tokens, new Uint8Array(n + 1).fill(1));
  const format: ShardFormat = { vocabularySize: V, temperatures: [1], precision: 'float32', draws };
  const written = joinDraws(sample.id, drawn as NonNullable<(typeof drawn)[number]>[], draws);
  const columns = encodeSample(written, format);
  const { atTemperature, ...read } = decodeSample(sample.id, (name) => columns[name]!, format);
  const { logSumExp, logTailMass } = atTemperature[0]!;
  const cached = { ...read, logSumExp, logTailMass, logSumExpAtTemperature: logSumExp };
  const cache = { read: () => Promise.resolve(cached) } as unknown as LogitsReader;
  const { targets } = await trainingBatch([sample], cache, { temperature: 1 });
  const { divergence, dLogits } = distillationLoss(repeated(student), targets, LOSS);
  return { values: divergence.dataSync(), gradients: dLogits.dataSync() };
}

/** KL(p || q) and its gradient by the student's logits. */
function exactLoss({ teacher, student }: { teacher: Float32Array; student: Float32Array }) {
  const [p, q] = [softmax(teacher), softmax(student)];
  return {
    value: p.reduce((sum, pi, i) => sum + pi * Math.log(pi / q[i]!), 0),
    gradient: q.map((qi, i) => qi - p[i]!),
    p,
  };
}

/** [begin, end) of the stretches of [from, to) on which one token is drawn. */
function stretches(p: Float64Array, from: number, to: number): { middle: number; part: number }[] {
  const ends = [...p].reduce<number[]>((sums, pi) => [...sums, (sums.at(-1) ?? 0) + pi], []);
  const cuts = [from, ...ends.filter((end) => end > from && end < to), to];
  return cuts
    .slice(1)
    .map((end, i) => ({ middle: (cuts[i]! + end) / 2, part: (end - cuts[i]!) / (to - from) }));
}

for (const draws of [1, 2, 3])
  t.test(`the exact expectation over all outcomes of ${draws} draws from 5 tokens`, async (t) => {
    const models = { teacher: randomLogits(5, 12_345), student: randomLogits(5, 54_321) };
    const { value, gradient, p } = exactLoss(models);
    const byDraw = Array.from({ length: draws }, (_, j) => stretches(p, j / draws, (j + 1) / draws));
    const outcomes = byDraw.reduce(
      (all, ofDraw) =>
        all.flatMap(({ places, probability }) =>
          ofDraw.map(({ middle, part }) => ({
            places: [...places, middle],
            probability: probability * part,
          })),
        ),
      [{ places: [] as number[], probability: 1 }],
    );
    t.ok(outcomes.length >= 5, `${outcomes.length} outcomes`);
    const found = await lossOfDraws(models, {
      ...{ n: outcomes.length, draws },
      places: (row) => Float64Array.from(outcomes[row]!.places),
    });
    const expected = (of: (row: number) => number) =>
      outcomes.reduce((sum, { probability }, row) => sum + probability * of(row), 0);
    const difference = Math.max(
      ...gradient.map((g, i) => Math.abs(expected((row) => found.gradients[5 * row + i]!) - g)),
    );
    t.ok(difference < 1e-6, `expected gradient differs by ${difference}`);
    const valueDifference = Math.abs(expected((row) => found.values[row]!) - value);
    t.ok(valueDifference < 1e-6, `expected value differs by ${valueDifference}`);
  });

t.test('the mean over many seeds, V = 300', async (t) => {
  const [V, n, draws] = [300, 4000, 10];
  const models = { teacher: randomLogits(V, 11_111), student: randomLogits(V, 22_222) };
  const { value, gradient, p } = exactLoss(models);
  const seeds = Array.from({ length: n }, (_, i): Sample =>
    sampleOf(Int32Array.of(i, 1), Uint8Array.of(0, 1)),
  );
  const found = await lossOfDraws(models, { n, draws, places: placesOfRows(seeds, draws) });
  const scores = [...gradient].flatMap((g, i) => {
    if (p[i]! * n * draws < 25) return []; // drawn too rarely to be normal
    return zScore(
      Float64Array.from({ length: n }, (_, row) => found.gradients[row * V + i]!),
      g,
    );
  });
  t.ok(scores.length > 150, `${scores.length} of ${V} coordinates`);
  const worst = Math.max(...scores.map(Math.abs));
  t.ok(worst < 5, `largest deviation ${worst} standard errors`);
  const squares = scores.reduce((sum, z) => sum + z * z, 0);
  const spread = 5 * Math.sqrt(2 * scores.length);
  t.ok(
    Math.abs(squares - scores.length) < spread,
    `sum of squares ${squares}, expected ${scores.length} ± ${spread}`,
  );
  const z = zScore(Float64Array.from(found.values), value);
  t.ok(Math.abs(z) < 5, `the loss is ${z} standard errors off`);
});

/** How many standard errors the mean of `values` is off. */
function zScore(values: Float64Array, expected: number): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return (mean - expected) / Math.sqrt(squares / (values.length - 1) / values.length);
}

t.test('what draws cannot give is refused by name', (t) => {
  refuseForDraws(trainConfig.parse({}));
  refuseForDraws(trainConfig.parse({ cross_entropy_weight: 0.5 }));
  const cases = {
    'loss = "reverse_kl"': { loss: 'reverse_kl' },
    'loss = "jsd"': { loss: 'jsd' },
    'tail = "drop"': { tail: 'drop' },
    'temperature = 2': { temperature: 2 },
    'clip = {"relative":8}': { clip: { relative: 8 } },
  };
  for (const [where, config] of Object.entries(cases))
    t.throws(() => refuseForDraws(trainConfig.parse(config)), {
      name: 'UserError',
      message: new RegExp(
        `^train.yaml: ${where.replaceAll(/[{}]/g, '\\$&')}: the logits cache holds tokens drawn`,
      ),
    });
  t.end();
});
