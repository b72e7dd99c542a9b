// How fast this machine does what the stages do, found by doing a little of each (some seconds in all). Products, HQQ's
// solver and passes over logits do not speed up alike from one processor to the next: so none is worked out
// from another. The best of several tries: what else runs only slows them.
import { cast } from '../engine/layoutOps.ts';
import { matMul } from '../engine/matMul.ts';
import { matmulRate } from '../engine/matmulRate.ts';
import { download } from '../engine/rawOp.ts';
import { disposePacked } from '../engine/packedWeight.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { tidyValue } from '../engine/tidyValue.ts';
import { divergencesBetween } from '../logits/divergences.ts';
import { quantizeHqq } from '../teacher/quantizeHqq.ts';
import type { Work } from './stageTime.ts';

/** What is done in a second, of each kind of work. */
export type Rates = Required<Work>;

const TRIES = 3;
const SIDE = 2048;
/** Answers that are generated at once, see eval.yaml. */
const ROWS = 16;
/** A block of logits, as large as those of a small vocabulary. */
const [POSITIONS, VOCABULARY] = [128, 32_768];

export function measuredRates(): Rates {
  return {
    flops: 1e9 * best(() => matmulRate({ dtype: 'bfloat16' })),
    quantized: quantizedRate(),
    compared: comparedRate(),
    weightBytes: weightRate(),
  };
}

/** Weights a second that HQQ's solver goes over. */
function quantizedRate(): number {
  const weight = tf.tidy(() => cast(normal([SIDE, SIDE]).mul(0.02), 'bfloat16')); // as large as a model's
  const quantize = () =>
    disposePacked(quantizeHqq(weight, { bits: 4, groupSize: 64, axis: 1, optimize: true }));
  return rateOf(SIDE ** 2, quantize, [weight]);
}

/** Logits a second of two models that are compared. */
function comparedRate(): number {
  const [live, original] = [normal([POSITIONS, VOCABULARY]), normal([POSITIONS, VOCABULARY])];
  return rateOf(POSITIONS * VOCABULARY, () => divergencesBetween(live, original), [live, original]);
}

/** Bytes a second of weights that are multiplied with few rows. */
function weightRate(): number {
  const x = tf.tidy(() => cast(normal([ROWS, SIDE]), 'bfloat16'));
  const weight = tf.tidy(() => cast(normal([SIDE, SIDE]), 'bfloat16'));
  const multiply = () => tidyValue(() => download(cast(matMul(x, weight, { transposeB: true }), 'float32')));
  return rateOf(2 * SIDE ** 2, multiply, [x, weight]);
}

/** The best rate of some tries, after one that warms up; frees the tensors that `work` uses. */
function rateOf(amount: number, work: () => unknown, tensors: Tensor[]): number {
  work();
  const rate = best(() => {
    const start = performance.now();
    work();
    return (1000 * amount) / (performance.now() - start);
  });
  tf.dispose(tensors);
  return rate;
}

function best(measure: () => number): number {
  return Math.max(...Array.from({ length: TRIES }, measure));
}

function normal(shape: number[]): Tensor {
  return tf.randomNormal(shape, 0, 1, 'float32', 1);
}
