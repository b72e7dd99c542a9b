// Sources weighed against each other: values and gradients of head and loss against float64, and those of a whole student
// against a sum composed of one pass over each source.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { upload } from '../../pipeline/engine/rawOp.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { withValue } from '../../pipeline/engine/variable.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { lossPositions } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import type { DistillationLoss } from '../../pipeline/train/distillationLoss.ts';
import { LOG_ZERO } from '../../pipeline/train/divergence.ts';
import { headLoss } from '../../pipeline/train/headLoss.ts';
import { totalWeight, type SourceWeights } from '../../pipeline/train/sourceWeights.ts';
import {
  accumulateGradients,
  createStudent,
  disposeStudent,
  type Student,
} from '../../pipeline/train/student.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStep } from '../../pipeline/train/trainStep.ts';
import { trainingBatch } from '../../pipeline/train/trainingBatch.ts';
import { trainScene } from './trainScene.ts';

const CE_WEIGHT = 0.5;
const LOSS: DistillationLoss = {
  ...{ loss: 'forward_kl', beta: 0.5, temperature: 1, tail: 'bucket' },
  ...{ clip: {}, crossEntropyWeight: CE_WEIGHT },
};

t.test('head and loss in float64', (t) => {
  const [n, D, V] = [7, 5, 11];
  const stream = xoroshiro128plus(123_456);
  const random = (rows: number, columns: number) =>
    Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => Math.fround(2 * uniformFloat64(stream) - 1)),
    );
  const [h, W, teacher] = [random(n, D), random(V, D), random(n, V)];
  const labels = h.map((_, row) => (3 * row) % V);
  const weights = h.map((_, row) => [1, 3, 0.25][row % 3]!);
  const total = weights.reduce((a, b) => a + b);

  const p = teacher.map(softmax);
  const q = h.map((row) => softmax(W.map((column) => dot(row, column))));
  const kl = p.map((row, i) => row.reduce((sum, pv, v) => sum + pv * Math.log(pv / q[i]![v]!), 0));
  const ce = labels.map((label, i) => -Math.log(q[i]![label]!));
  const dz = q.map((row, i) =>
    row.map((qv, v) => (weights[i]! / total) * (qv - p[i]![v]! + CE_WEIGHT * (qv - Number(v === labels[i])))),
  );
  const dHidden = dz.map((row) => h[0]!.map((_, d) => row.reduce((sum, g, v) => sum + g * W[v]![d]!, 0)));
  const dWeight = W.map((_, v) => h[0]!.map((_, d) => dz.reduce((sum, g, i) => sum + g[v]! * h[i]![d]!, 0)));

  const found = tidyValue(() => {
    const matrix = (rows: number[][]) =>
      upload(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
    const logits = matrix(teacher);
    const dHead = Array<number>(V * D).fill(0);
    const { sums, dHidden } = headLoss({
      hidden: matrix(h),
      head: { kind: 'dense', values: matrix(W), trainable: true },
      targets: {
        ids: tf.tile(tf.range(0, V, 1, 'int32').expandDims(0), [n, 1]),
        logits,
        logSumExp: tf.logSumExp(logits, 1, true),
        logTailMass: tf.fill([n, 1], LOG_ZERO),
        labels: tf.tensor2d(labels, [n, 1], 'int32'),
        weights: tf.tensor2d(weights, [n, 1]),
      },
      loss: LOSS,
      scale: 1 / total,
      blockSize: 3,
      addHeadGradient: (share) => share.dataSync().forEach((value, i) => (dHead[i]! += value)),
    });
    return { sums, dHidden: [...dHidden.dataSync()], dHead };
  });
  t.ok(Math.abs(found.sums.divergence / dot(weights, kl) - 1) < 1e-5, 'divergence');
  t.ok(Math.abs(found.sums.crossEntropy / dot(weights, ce) - 1) < 1e-5, 'cross-entropy');
  t.ok(relativeDifference(found.dHidden, dHidden.flat()) < 1e-5, 'dHidden');
  t.ok(relativeDifference(found.dHead, dWeight.flat()) < 1e-5, 'dWeight');
  t.end();
});

t.test('a whole student, against one pass over each source', async (t) => {
  const { at, samples } = await trainScene(t);
  const weights = { even: 3 };
  const cache = await openLogits(at('logits'));
  const micro = samples.slice(0, 8);
  const total = totalWeight(micro, weights);
  const [even, odd] = ['even', 'odd'].map((name) => micro.filter(({ source }) => source === name));
  t.equal(total, 3 * lossPositions(even!) + lossPositions(odd!));
  const student = () => createStudent(at('student'), { dtype: 'float32' });
  const pass = async (
    to: Student,
    batch: Sample[],
    { scale, source_weights }: { scale: number; source_weights?: SourceWeights },
  ) => {
    const { targets, ...rows } = await trainingBatch(batch, cache, {
      temperature: 1,
      ...(source_weights && { source_weights }),
    });
    const options = { loss: LOSS, scale, headBlock: 16, recompute: false };
    const sums = accumulateGradients(to, { ...rows, targets }, options);
    tf.dispose(Object.values(targets));
    return sums.divergence + CE_WEIGHT * sums.crossEntropy;
  };

  const [weighted, composed, stepped] = [await student(), await student(), await student()];
  const loss = (await pass(weighted, micro, { scale: 1 / total, source_weights: weights })) / total;
  const parts = [
    await pass(composed, even!, { scale: 3 / total }),
    await pass(composed, odd!, { scale: 1 / total }),
  ];
  const expected = (3 * parts[0]! + parts[1]!) / total;
  t.ok(Math.abs(loss / expected - 1) < 1e-5, `loss ${loss}, composed ${expected}`);
  for (const name of composed.parameters.keys()) {
    const difference = relativeDifference(gradientOf(weighted, name), gradientOf(composed, name));
    t.ok(difference < 1e-4, `${name}: ${difference}`);
  }
  const norm = Math.hypot(...[...composed.parameters.keys()].flatMap((name) => gradientOf(composed, name)));

  const config = trainConfig.parse({
    source_weights: weights,
    cross_entropy_weight: CE_WEIGHT,
    dtype: 'float32',
  });
  const batches = [micro.slice(0, 3), micro.slice(3)];
  const metrics = await trainStep({ config, student: stepped, cache }, batches, { step: 1, totalSteps: 1 });
  t.ok(Math.abs(metrics.loss / expected - 1) < 1e-5, 'the step has it, in two micro-batches');
  t.ok(Math.abs(metrics.gradient_norm / norm - 1) < 1e-4, 'and the gradient');
  [weighted, composed, stepped].forEach(disposeStudent);
  await cache.close();
});

function gradientOf(student: Student, name: string): number[] {
  return withValue(student.parameters.get(name)!.gradient!, (gradient) => [...gradient.dataSync()]);
}

function softmax(z: readonly number[]): number[] {
  const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
  return z.map((value) => Math.exp(value) / total);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** The largest |a - b| over the largest |b|. */
function relativeDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / Math.max(...b.map(Math.abs));
}
