// What TensorFlow's oneDNN kernels take on this processor: float32 on any x86, bfloat16 with AVX-512 alone. Asked of
// the softmax, which unlike a product prints no line of TensorFlow's own when the answer is no.
import { cast } from './layoutOps.ts';
import { dtypeOf, engineInfo, rawOp, type DType } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

const served = new Map<DType, boolean>();

/** Whether oneDNN computes in this dtype here; never on a GPU or another architecture. */
export function oneDnnServes(dtype: DType): boolean {
  const serves = served.get(dtype) ?? (engineInfo().device === 'cpu' && softmaxRuns(dtype));
  served.set(dtype, serves);
  return serves;
}

/** The kernel is registered under a label of its own, which TensorFlow's rewriting of MatMul and the like sets too. */
export function oneDnnSoftmax(x: Tensor): Tensor {
  return rawOp('_MklSoftmax', [x], { T: dtypeOf(x), _kernel: { text: 'MklNameChangeOp' } });
}

function softmaxRuns(dtype: DType): boolean {
  try {
    tf.tidy(() => oneDnnSoftmax(cast(tf.zeros([1, 2]), dtype)));
    return true;
  } catch {
    return false;
  }
}
