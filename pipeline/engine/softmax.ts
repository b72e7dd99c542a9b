// Softmax over the last axis. On x86 TensorFlow carries oneDNN's kernel beside Eigen's: three times as fast and able
// to take bfloat16 (it computes in float32 inside). Elsewhere the plain op serves, in float32.
import { cast } from './layoutOps.ts';
import { dtypeOf, engineInfo, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** Softmax of float32 or bfloat16 values, in the same dtype. */
export function softmax(x: Tensor): Tensor {
  oneDnnServes ??= engineInfo().device === 'cpu' && tryOneDnn();
  if (oneDnnServes) return oneDnnSoftmax(x);
  return tf.tidy(() => cast(rawOp('Softmax', [cast(x, 'float32')], { T: 'float32' }), dtypeOf(x)));
}

let oneDnnServes: boolean | undefined;

/** The kernel is registered under a label of its own, which TensorFlow's rewriting of MatMul and the like sets too. */
function oneDnnSoftmax(x: Tensor): Tensor {
  return rawOp('_MklSoftmax', [x], { T: dtypeOf(x), _kernel: { text: 'MklNameChangeOp' } });
}

function tryOneDnn(): boolean {
  try {
    tf.tidy(() => oneDnnSoftmax(tf.zeros([1, 2])));
    return true;
  } catch {
    return false;
  }
}
