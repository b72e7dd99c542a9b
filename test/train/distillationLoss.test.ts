// The loss and its gradient against PyTorch in float64: every combination of its parts (test/golden/train/losses.json),
// and values computed independently of this project (../shared/fixtures/kd).
import t from 'tap';
import { validate } from '../../pipeline/config/loadConfig.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import {
  distillationLoss,
  lossValues,
  type DistillationLoss,
  type TeacherTargets,
} from '../../pipeline/train/distillationLoss.ts';
import { LOG_ZERO } from '../../pipeline/train/divergence.ts';
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

interface CombinationGoldens {
  teacher: number[][];
  student: number[][];
  ids: number[][]; // most probable first, not all rows of one length
  labels: number[];
  cases: { loss: DistillationLoss; divergence: number[]; crossEntropy: number[]; gradient: number[][] }[];
}

const PLAIN: DistillationLoss = {
  loss: 'forward_kl',
  beta: 0.5,
  temperature: 1,
  tail: 'bucket',
  clip: {},
  crossEntropyWeight: 0,
};

/** Targets of full teacher logits at temperature T, keeping the tokens `ids`; rows with fewer than others are padded. */
function targetsFrom(teacher: number[][], ids: number[][], labels: number[], T: number): TeacherTargets {
  const K = Math.max(...ids.map((row) => row.length));
  const padded = (row: number[], value: number) => [...row, ...Array<number>(K - row.length).fill(value)];
  const rows = teacher.map((row, n) => {
    const total = logSumExp(row.map((z) => z / T));
    const outside = row.filter((_, id) => !ids[n]!.includes(id)).map((z) => z / T);
    return { total: [total], tail: [outside.length === 0 ? LOG_ZERO : logSumExp(outside) - total] };
  });
  return {
    ids: tf.tensor2d(
      ids.map((row) => padded(row, -1)),
      undefined,
      'int32',
    ),
    logits: tf.tensor2d(
      ids.map((row, n) =>
        padded(
          row.map((id) => teacher[n]![id]!),
          0,
        ),
      ),
    ),
    logSumExp: tf.tensor2d(rows.map(({ total }) => total)),
    logTailMass: tf.tensor2d(rows.map(({ tail }) => tail)),
    labels: tf.tensor2d(
      labels.map((label) => [label]),
      undefined,
      'int32',
    ),
  };
}

function logSumExp(values: readonly number[]): number {
  const max = Math.max(...values);
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

/** The largest |a - b| over the largest |b|. */
function relativeDifference(a: Tensor, b: number[] | number[][]): number {
  const expected = tf.tensor(b);
  return tf
    .max(tf.abs(a.sub(expected)))
    .div(tf.max(tf.abs(expected)))
    .dataSync()[0]!;
}

/**
 * How far off, relative to itself, float32 may leave a divergence D at temperature T. D / T² is about Σ p d² / 2 with d
 * the difference of two log-probabilities, each near -5 and so rounded to 2^-21 at best; by Cauchy and Schwarz that
 * moves the sum by up to 2^-21 √(2 D / T²), much of a D near 0.
 */
function divergenceRounding(D: number, T: number): number {
  return 1e-6 + 2 ** -21 * T * Math.sqrt(2 / D);
}

/** The relative differences position by position, as shares of what is allowed. */
function sharesOfAllowed(x: Tensor, expected: number[], allowed: (value: number) => number): number[] {
  return expected.map((value, n) => relativeDifference(x.slice(n, 1), [value]) / allowed(value));
}

t.test('every combination equals float64 PyTorch: values at each position, gradients', (t) => {
  const { teacher, student, ids, labels, cases } = readJson(
    'test/golden/train/losses.json',
  ) as CombinationGoldens;
  for (const { loss, ...expected } of cases)
    tf.tidy(() => {
      const targets = targetsFrom(teacher, ids, labels, loss.temperature);
      const { divergence, crossEntropy, dLogits } = distillationLoss(tf.tensor2d(student), targets, loss);
      const values = lossValues(tf.tensor2d(student), targets, loss);
      const rounding = (D: number) => divergenceRounding(D, loss.temperature);
      const shares = [
        ...sharesOfAllowed(divergence, expected.divergence, rounding),
        ...sharesOfAllowed(values.divergence, expected.divergence, rounding),
        ...sharesOfAllowed(crossEntropy, expected.crossEntropy, () => 1e-6),
        relativeDifference(dLogits, expected.gradient) / 1e-5, // where a softmax is all but 0 or 1, differences of larger numbers
      ];
      const worst = Math.max(...shares);
      t.ok(worst < 1, `${JSON.stringify(loss)}: ${worst} of the difference allowed`);
    });
  t.equal(
    cases.length,
    4 * 2 * 4 * 3 * 2,
    'losses, tails, clips, temperatures, weights of the cross-entropy',
  );
  t.end();
});

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

t.test('a loss of neither term is refused, and masters that the products could not follow', (t) => {
  const parsing = (config: object) => () => validate(trainConfig, config, () => 'train.yaml');
  t.throws(parsing({ divergence_weight: 0 }), {
    message: 'train.yaml: divergence_weight = 0: with a cross_entropy_weight of 0 as well nothing is learned',
  });
  t.doesNotThrow(parsing({ divergence_weight: 0, cross_entropy_weight: 1 }));
  t.throws(parsing({ dtype: 'float32', master_dtype: 'bfloat16' }), {
    message: 'train.yaml: master_dtype = "bfloat16": goes with dtype: bfloat16 alone',
  });
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
