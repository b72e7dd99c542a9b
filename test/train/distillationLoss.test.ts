// The loss and its gradient against PyTorch in float64 (../shared/fixtures/kd).
import t from 'tap';
import { validate } from '../../pipeline/config/loadConfig.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import {
  distillationLoss,
  type DistillationLoss,
  type TeacherTargets,
} from '../../pipeline/train/distillationLoss.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { FIXTURES, without } from '../needs.ts';
import { readJson } from '../readJson.ts';

const FIXTURE = `${FIXTURES}/kd/kd_goldens.json`;

interface Golden {
  kl_per_position: number[];
  grad: number[][];
}
interface Fixture {
  N: number;
  V: number;
  k: number;
  mask: number[];
  teacher_logits: number[][];
  student_logits: number[][];
  labels: number[];
  topk_indices: number[][];
  A_topk_renormalised_both: Golden;
  B_topk_plus_tail_bucket: Golden;
  B1_topk_plus_tail_bucket_T1: Golden;
  C_full_vocab: Golden;
  ce_labels_T1: Golden;
}

const PLAIN: DistillationLoss = {
  loss: 'forward_kl',
  beta: 0.5,
  temperature: 1,
  tail: 'bucket',
  clip: {},
  crossEntropyWeight: 0,
};

/** Targets of full teacher logits at temperature T, keeping the tokens `ids`. */
function targetsFrom(teacher: number[][], ids: number[][], labels: number[], T: number): TeacherTargets {
  const scaled = tf.tensor2d(teacher).div<Tensor>(T);
  const logSumExp = tf.logSumExp(scaled, 1, true);
  const logits = tf.tensor2d(teacher.map((row, n) => ids[n]!.map((id) => row[id]!)));
  const tail = teacher.map((row, n) => {
    const z = row.map((value) => value / T);
    const max = Math.max(...z);
    const total = z.reduce((sum, value) => sum + Math.exp(value - max), 0);
    const outside = z.reduce(
      (sum, value, id) => (ids[n]!.includes(id) ? sum : sum + Math.exp(value - max)),
      0,
    );
    return [outside === 0 ? -1e4 : Math.log(outside / total)];
  });
  return {
    ids: tf.tensor2d(ids, undefined, 'int32'),
    logits,
    logSumExp,
    logTailMass: tf.tensor2d(tail),
    labels: tf.tensor2d(
      labels.map((label) => [label]),
      undefined,
      'int32',
    ),
  };
}

/** The largest |a - b| over the largest |b|. */
function relativeDifference(a: Tensor, b: number[] | number[][]): number {
  const expected = tf.tensor(b);
  return tf
    .max(tf.abs(a.sub(expected)))
    .div(tf.max(tf.abs(expected)))
    .dataSync()[0]!;
}

t.test('the gradient is that of both terms, each times its weight', (t) => {
  const [V, ids] = [6, [[3, 0], [1, 4], [5, 2]]]; // prettier-ignore
  const logitsOf = (seed: number) => tf.randomNormal([3, V], 0, 2, 'float32', seed);
  const student = logitsOf(1);
  const targets = targetsFrom(logitsOf(2).arraySync() as number[][], ids, [0, 3, 2], 1);
  const gradient = (changes: Partial<DistillationLoss>) =>
    distillationLoss(student, targets, { ...PLAIN, ...changes }).dLogits;
  const textAlone = student
    .softmax()
    .sub<Tensor>(tf.oneHot([0, 3, 2], V))
    .arraySync() as number[][];
  for (const changes of [{}, { clip: { relative: 2 } }, { tail: 'drop' }, { temperature: 2 }] as const) {
    const by = (divergenceWeight: number, crossEntropyWeight: number) =>
      gradient({ ...changes, divergenceWeight, crossEntropyWeight });
    const both = gradient(changes).mul(0.3).add<Tensor>(tf.tensor(textAlone).mul(0.5));
    const what = JSON.stringify(changes);
    const apart = relativeDifference(by(0.3, 0.5), both.arraySync() as number[][]);
    t.ok(apart < 1e-6, `${what}: the weighted sum, relative difference ${apart}`);
    const alone = relativeDifference(by(0, 1), textAlone);
    t.ok(alone < 1e-6, `${what}: of the text alone softmax - onehot, relative difference ${alone}`);
  }
  t.end();
});

t.test('a loss of neither term is refused', (t) => {
  const parsing = (config: object) => () => validate(trainConfig, config, () => 'train.yaml');
  t.throws(parsing({ divergence_weight: 0 }), {
    message: 'train.yaml: divergence_weight = 0: with a cross_entropy_weight of 0 as well nothing is learned',
  });
  t.doesNotThrow(parsing({ divergence_weight: 0, cross_entropy_weight: 1 }));
  t.end();
});

t.test('values and gradients equal float64 PyTorch', { skip: without(FIXTURE) }, async (t) => {
  const kd = readJson(FIXTURE) as Fixture;
  const everyId = kd.teacher_logits.map((row) => row.map((_, id) => id));
  const cases: [string, Golden, number[][], Partial<DistillationLoss>][] = [
    ['tail: drop, T = 2', kd.A_topk_renormalised_both, kd.topk_indices, { tail: 'drop', temperature: 2 }],
    ['tail: bucket, T = 2', kd.B_topk_plus_tail_bucket, kd.topk_indices, { temperature: 2 }],
    ['tail: bucket, T = 1', kd.B1_topk_plus_tail_bucket_T1, kd.topk_indices, {}],
    ['k = V, T = 2', kd.C_full_vocab, everyId, { temperature: 2 }],
  ];
  for (const [name, golden, ids, changes] of cases)
    await t.test(name, (t) => {
      const loss = { ...PLAIN, ...changes };
      const targets = targetsFrom(kd.teacher_logits, ids, kd.labels, loss.temperature);
      const { divergence, dLogits } = distillationLoss(tf.tensor2d(kd.student_logits), targets, loss);
      const T2 = loss.temperature ** 2; // the goldens have no T² factor and average the gradient over the mask
      const positions = kd.mask.reduce((sum, bit) => sum + bit, 0);
      const perPosition = dLogits.mul(tf.tensor2d(kd.mask, [kd.N, 1])).div<Tensor>(positions * T2);
      const [dv, dg] = [
        relativeDifference(divergence.div(T2), golden.kl_per_position),
        relativeDifference(perPosition, golden.grad),
      ];
      t.ok(dv < 1e-5, `values, relative difference ${dv}`);
      t.ok(dg < 1e-5, `gradients, relative difference ${dg}`);
      t.end();
    });
});
