// Softmax over the last axis. On x86 TensorFlow carries oneDNN's kernel beside Eigen's: three times as fast and, with
// AVX-512, able to take bfloat16 (it computes in float32 inside). Elsewhere the plain op serves, in float32.
import { hasFusedKernels } from './fusedKernels.ts';
import { cast } from './layoutOps.ts';
import { oneDnnServes, oneDnnSoftmax } from './oneDnn.ts';
import { dtypeOf, rawOp, type DType } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** Softmax of float32 or bfloat16 values, in the same dtype. */
export function softmax(x: Tensor): Tensor {
  if (oneDnnServes(dtypeOf(x))) return oneDnnSoftmax(x);
  return tf.tidy(() => cast(rawOp('Softmax', [cast(x, 'float32')], { T: 'float32' }), dtypeOf(x)));
}

/** log Σ exp x of each row, float32: [n, V] to [n, 1]. */
export function logSumExp(x: Tensor): Tensor {
  if (hasFusedKernels()) return rawOp('RedistillLogSumExp', [x], { T: dtypeOf(x) });
  return tf.tidy(() => tf.logSumExp(cast(x, 'float32'), 1, true));
}

/** factor exp(x - logSumExp), the softmax times a factor for each row: x [n, V], both others [n, 1] float32. */
export function scaledSoftmax(
  x: Tensor,
  { logSumExp, factor, dtype }: { logSumExp: Tensor; factor: Tensor; dtype: DType },
): Tensor {
  if (hasFusedKernels())
    return rawOp('RedistillScaledSoftmax', [x, logSumExp, factor], { T: dtypeOf(x), Y: dtype });
  return tf.tidy(() => cast(tf.exp(cast(x, 'float32').sub(logSumExp)).mul(factor), dtype));
}
