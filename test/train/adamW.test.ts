// Ten updates against torch.optim.AdamW (test/golden/train/makeAdamW.py); in fewer bits, the kernel against the ops it
// stands for, what rounding at random is for, and how many bytes are held.
import t, { type Test } from 'tap';
import { withoutFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { DTYPE_BYTES } from '../../pipeline/engine/rawOp.ts';
import { bytesOf } from '../../pipeline/engine/tensorBytes.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { readVariable, withValue, type Variable } from '../../pipeline/engine/variable.ts';
import { adamWUpdate, type AdamOptions } from '../../pipeline/train/adamW.ts';
import { decodeSecond } from '../../pipeline/train/momentCodes.ts';
import {
  bytesPerParameter,
  disposeState,
  optimizerState,
  savedVariables,
  workingWeight,
  type OptimizerState,
  type StateFormat,
} from '../../pipeline/train/optimizerState.ts';
import { readJson } from '../readJson.ts';

interface Golden {
  options: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  start: number[];
  gradients: number[][];
  end: number[];
}

const FLOAT32: StateFormat = { dtype: 'float32' };
const ADAM = { learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01 };
const MASTERS = ['float32', 'bfloat16'] as const;
const MOMENTS = ['float32', 'bfloat16', 'uint8'] as const;
const FORMATS = MASTERS.flatMap((master_dtype) =>
  MOMENTS.map((moment_dtype): StateFormat => ({ dtype: 'bfloat16', master_dtype, moment_dtype })),
);

function equalsTorch(t: Test): void {
  const golden = readJson('test/golden/train/adamW.json') as Golden;
  const { lr, betas, eps, weight_decay } = golden.options;
  const before = tf.memory().numTensors;
  const state = stateOf(tf.tensor2d(golden.start, [6, 5]), FLOAT32);
  golden.gradients.forEach((gradient, i) => {
    tf.tidy(() => {
      const options = {
        learningRate: lr,
        beta1: betas[0],
        beta2: betas[1],
        epsilon: eps,
        weightDecay: weight_decay,
      };
      const scaled = tf.tensor2d(gradient, [6, 5]).mul<Tensor>(4);
      adamWUpdate(state, scaled, { ...options, gradientScale: 0.25, step: i + 1 });
    });
  });
  const end = withValue(state.weight, (value) => value.dataSync());
  const worst = Math.max(...golden.end.map((value, i) => Math.abs(end[i]! - value)));
  t.ok(worst <= 1e-6, `largest difference ${worst}`);
  disposeState(state);
  t.equal(tf.memory().numTensors, before, 'nothing is left behind');
}

t.test('ten updates equal torch.optim.AdamW', (t) => {
  equalsTorch(t);
  withoutFusedKernels(() => equalsTorch(t));
  t.end();
});

/** State that starts at `initial`, which is freed. */
function stateOf(initial: Tensor, format: StateFormat): OptimizerState {
  const state = optimizerState(initial, format);
  initial.dispose();
  return state;
}

/** Three updates by gradients of very different sizes, some of them 0. */
function updated(format: StateFormat, options: Partial<AdamOptions> = {}): OptimizerState {
  const shape: [number, number] = [37, 301]; // ends within a block
  const state = stateOf(tf.randomNormal(shape, 0, 0.1, 'float32', 1), format);
  for (let step = 1; step <= 3; step++)
    tf.tidy(() => {
      const size = tf.exp(tf.randomNormal(shape, -8, 1, 'float32', 10 + step));
      const gradient = tf.relu(tf.randomNormal(shape, 0.5, 1, 'float32', 20 + step)).mul<Tensor>(size);
      adamWUpdate(state, cast(gradient, format.dtype), { ...ADAM, key: [7, step], step, ...options });
    });
  return state;
}

function valuesOf(variable: Variable): number[] {
  if (variable.dtype === 'uint8') return [...withValue(variable, bytesOf)];
  return tidyValue(() => Array.from(cast(readVariable(variable), 'float32').dataSync()));
}

for (const format of FORMATS)
  t.test(`${format.master_dtype} masters, ${format.moment_dtype} moments: kernel = ops`, (t) => {
    const before = tf.memory().numTensors;
    const [fused, composed] = [updated(format), withoutFusedKernels(() => updated(format))];
    const theirs = new Map(savedVariables(composed));
    for (const [part, variable] of savedVariables(fused)) {
      const [a, b] = [valuesOf(variable), valuesOf(theirs.get(part)!)];
      const differing = a.filter((value, i) => Math.abs(value - b[i]!) > 1e-6 * Math.abs(b[i]!) + 2e-8);
      t.ok(
        differing.length <= a.length / 1000,
        `${part}: ${differing.length} of ${a.length} rounded elsewhere`,
      );
    }
    const copies = [fused, composed].map((state) => tidyValue(() => bytesOf(workingWeight(state))));
    const rounded = tidyValue(() => bytesOf(cast(readVariable(fused.weight), 'bfloat16')));
    t.same(copies[0], rounded, 'the products run on the weight');
    [fused, composed].forEach(disposeState);
    t.equal(tf.memory().numTensors, before, 'nothing is left behind');
    t.end();
  });

t.test('the updates in fewer bits stay close to those in float32', (t) => {
  const exact = updated(FLOAT32);
  const moved = valuesOf(exact.weight);
  for (const format of FORMATS) {
    const state = updated(format);
    const error = rms(valuesOf(state.weight).map((value, i) => value - moved[i]!));
    t.ok(error < 2e-3, `${format.master_dtype}, ${format.moment_dtype}: ${error} after steps of 1e-2`);
    disposeState(state);
  }
  disposeState(exact);
  t.end();
});

t.test('steps far below the last digit of a bfloat16 weight arrive on average', (t) => {
  const [start, learningRate, steps, n] = [1, 1e-4, 50, 4096]; // the digit is 2⁻⁷ above 1 and 2⁻⁸ below
  const state = stateOf(tf.fill([1, n], start), { dtype: 'bfloat16', master_dtype: 'bfloat16' });
  for (let step = 1; step <= steps; step++)
    tf.tidy(() => {
      const options = { ...ADAM, weightDecay: 0, learningRate, key: [1, step] as const, step };
      adamWUpdate(state, tf.ones([1, n]), options);
    });
  const values = valuesOf(state.weight);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const expected = start - learningRate * steps;
  t.ok(Math.abs(mean - expected) < 2e-4, `mean ${mean}, in float32 ${expected}`); // 4 standard errors
  const nearest = tidyValue(
    () => cast(cast(tf.scalar(start - learningRate), 'bfloat16'), 'float32').dataSync()[0],
  );
  t.equal(nearest, start, 'to the nearest, they would be lost');
  disposeState(state);
  t.end();
});

t.test('a second moment that falls by less than a code each step does fall', (t) => {
  const [beta2, steps, n] = [0.995, 600, 4096];
  const sizes = tf.tensor2d([Array.from({ length: n }, (_, i) => (i % 256 === 0 ? 1 : 0.3))]);
  for (const moment_dtype of ['bfloat16', 'uint8'] as const) {
    const state = stateOf(tf.zeros([1, n]), { dtype: 'float32', moment_dtype });
    let expected = 0;
    for (let step = 1; step <= steps; step++)
      tf.tidy(() => {
        const size = step <= steps / 2 ? 1 : 0.7;
        expected += ((0.3 * size) ** 2 - expected) * (1 - beta2);
        const gradient = sizes.mul<Tensor>(tf.where(tf.equal(sizes, 1), 1, size)); // the largest of a block stay
        adamWUpdate(state, gradient, { ...ADAM, beta2, key: [1, step], step });
      });
    const small = secondMomentOf(state).filter((_, i) => i % 256 !== 0);
    const mean = small.reduce((sum, value) => sum + value, 0) / small.length;
    t.ok(Math.abs(mean / expected - 1) < 0.02, `${moment_dtype}: ${mean}, in float32 ${expected}`);
    disposeState(state);
  }
  sizes.dispose();
  t.end();
});

t.test('the bytes held are those of the table', (t) => {
  for (const format of [FLOAT32, ...FORMATS])
    for (const shape of [[512, 512], [512]]) {
      const state = stateOf(tf.zeros(shape), format);
      const variables = [
        ...savedVariables(state).map(([, variable]) => variable),
        ...(state.copy ? [state.copy] : []),
      ];
      const held = variables.reduce((sum, variable) => sum + bytesOfVariable(variable), 0);
      const { gradient, ...rest } = bytesPerParameter(shape.length, format);
      const size = shape.reduce((product, side) => product * side, 1);
      t.equal(
        held,
        size * Object.values(rest).reduce((sum, bytes) => sum + bytes, 0),
        JSON.stringify(format),
      );
      t.equal(gradient, 4);
      disposeState(state);
    }
  t.end();
});

function secondMomentOf({ second: { values, scales } }: OptimizerState): number[] {
  if (!scales) return valuesOf(values);
  const codes = valuesOf(values);
  return tidyValue(() =>
    Array.from(decodeSecond({ codes: tf.tensor1d(codes), scales: readVariable(scales) }).dataSync()),
  );
}

function bytesOfVariable(variable: Variable): number {
  return withValue(variable, ({ size }) => size) * DTYPE_BYTES[variable.dtype];
}

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}
