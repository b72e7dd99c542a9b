// Sets elements to zero at random: which ones is a function of key and index, so that they need not be kept for the way
// back. 16 bits decide on each, and eight elements share what the generator gives at once.
import { hasFusedKernels } from './fusedKernels.ts';
import { bitcast, cast, reshape } from './layoutOps.ts';
import { randomBits, type RandomKey } from './randomBits.ts';
import { dtypeOf, int32, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

const LEVELS = 2 ** 16;

/** The part of the elements that is set to zero when `rate` is asked for. */
export function actualRate(rate: number): number {
  return Math.round(rate * LEVELS) / LEVELS;
}

/** x, float32 or bfloat16, with about the part `rate` of its elements set to zero; the others are not scaled. */
export function dropout(x: Tensor, { key, rate }: { key: RandomKey; rate: number }): Tensor {
  const T = dtypeOf(x);
  const threshold = actualRate(rate) * LEVELS;
  return tf.tidy(() => {
    if (hasFusedKernels())
      return rawOp('RedistillDropout', [x, int32(key)], { T, threshold: { int: threshold } });
    const numbers = bitcast(randomBits(key, { begin: 0, size: Math.ceil(x.size / 2) }), 'uint16');
    const random = cast(reshape(numbers, [-1]), 'int32').slice([0], [x.size]);
    const isKept = reshape(tf.greaterEqual(random, int32(threshold)), x.shape);
    return rawOp('Mul', [x, cast(isKept, T)], { T });
  });
}
