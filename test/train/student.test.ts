// Whole-model gradients against PyTorch autograd in float64, micro-batches, memory and repeatability of the step.
import t from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { readVariable } from '../../pipeline/engine/variable.ts';
import type { DistillationLoss } from '../../pipeline/train/distillationLoss.ts';
import {
  accumulateGradients,
  applyUpdate,
  createStudent,
  disposeStudent,
  type Student,
} from '../../pipeline/train/student.ts';
import type { TrainingBatch } from '../../pipeline/train/trainingBatch.ts';
import { FIXTURES, without } from '../needs.ts';
import { readJson } from '../readJson.ts';

const PROBABILITIES = [0.3, 0.2, 0.15, 0.1, 0.08, 0.05, 0.04, 0.03];
const LOSS: DistillationLoss = {
  loss: 'forward_kl',
  beta: 0.5,
  temperature: 1,
  tail: 'bucket',
  clip: {},
  crossEntropyWeight: 0.5,
};
const ADAM = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

interface Golden {
  rows: number[][];
  loss: number;
  gradients: Record<string, { norm: number; first: number[] }>;
}

/** The batch of makeGradients.py: the same rows with the same teacher. */
function goldenBatch(rows: number[][], V: number): TrainingBatch {
  const T = Math.max(...rows.map((row) => row.length));
  const ids = new Int32Array(rows.length * T);
  rows.forEach((row, b) => ids.set(row, b * T));
  const positions = rows.flatMap((row, b) => row.slice(1).map((label, t) => ({ row: b * T + t, label, t })));
  const n = positions.length;
  const teacherIds = positions.map(({ t }) => PROBABILITIES.map((_, i) => (17 * (t + 1) + 31 * i) % V));
  return {
    ids,
    B: rows.length,
    T,
    rows: Int32Array.from(positions, ({ row }) => row),
    targets: {
      ids: tf.tensor2d(teacherIds, [n, 8], 'int32'),
      logits: tf.tensor2d(
        positions.map(() => PROBABILITIES.map(Math.log)),
        [n, 8],
      ),
      logSumExp: tf.zeros([n, 1]),
      logTailMass: tf.fill([n, 1], Math.log(0.05)),
      labels: tf.tensor2d(
        positions.map(({ label }) => [label]),
        [n, 1],
        'int32',
      ),
    },
  };
}

function gradientOf(student: Student, name: string): Float32Array {
  return tf.tidy(() => readVariable(student.parameters.get(name)!.gradient!).dataSync()) as Float32Array;
}

const skip = without(FIXTURES);

t.test('gradients of every parameter equal PyTorch', { skip }, async (t) => {
  const goldens = readJson('test/golden/train/gradients.json') as Record<string, Golden>;
  const cases = Object.entries(goldens).flatMap(([name, golden]) =>
    [true, false].map((recompute) => ({ name, golden, recompute })),
  );
  for (const { name, golden, recompute } of cases) {
    const student = await createStudent(`${FIXTURES}/${name}`, { dtype: 'float32' });
    const batch = goldenBatch(golden.rows, student.decoder.config.vocabSize);
    const n = batch.rows.length;
    const sums = accumulateGradients(student, batch, { loss: LOSS, scale: 1 / n, headBlock: 16, recompute });
    const loss = (sums.divergence + 0.5 * sums.crossEntropy) / n;
    t.ok(Math.abs(loss / golden.loss - 1) < 1e-5, `${name}: loss ${loss} against ${golden.loss}`);
    let worst = 0;
    for (const [parameter, { norm, first }] of Object.entries(golden.gradients)) {
      const gradient = gradientOf(student, parameter);
      const rms = norm / Math.sqrt(gradient.length);
      worst = Math.max(
        worst,
        Math.abs(Math.hypot(...gradient) / norm - 1),
        ...first.map((value, i) => Math.abs(gradient[i]! - value) / rms),
      );
    }
    t.equal(
      Object.keys(golden.gradients).length,
      student.parameters.size,
      `${name}: every parameter is trained`,
    );
    t.ok(worst < 1e-3, `${name}: worst relative difference of a gradient ${worst}`);
    disposeStudent(student);
  }
});

t.test('a step leaks no tensor and repeats exactly', { skip }, async (t) => {
  const run = async () => {
    const student = await createStudent(`${FIXTURES}/tiny-llama3-rope-sharded`, { dtype: 'bfloat16' });
    const batch = goldenBatch(
      [
        [1, 5, 9, 30, 2],
        [3, 3, 8],
      ],
      student.decoder.config.vocabSize,
    );
    const counts: number[] = [];
    for (let step = 1; step <= 5; step++) {
      accumulateGradients(student, batch, {
        loss: LOSS,
        scale: 1 / 6,
        headBlock: 4,
        recompute: step % 2 === 0,
      });
      applyUpdate(student, { ...ADAM, step });
      counts.push(tf.memory().numTensors);
    }
    const weights = tf.tidy(() =>
      Array.from(
        readVariable(student.parameters.get('model.layers.0.mlp.up_proj.weight')!.state.weight).dataSync(),
      ),
    );
    tf.dispose(Object.values(batch.targets));
    disposeStudent(student);
    return { counts, weights };
  };
  const first = await run();
  const left = tf.memory().numTensors;
  const second = await run();
  t.equal(new Set(first.counts).size, 1, `tensors alive after each step: ${first.counts.join(', ')}`);
  t.equal(tf.memory().numTensors, left, 'nothing is left behind');
  t.same(second.weights, first.weights, 'weights are equal to the last bit');
});
