// The matrix product that all linear maps and attention are made of, for float32 and bfloat16 alike.
// Where oneDNN has no bfloat16 products (without AVX-512), TensorFlow multiplies in float32 and cuts the result off
// instead of rounding it: every value half a digit too near to 0 on average. There the result is rounded here.
import { cast } from './layoutOps.ts';
import { oneDnnServes } from './oneDnn.ts';
import { dtypeOf, engineInfo, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** The product of two matrices of one dtype, either one transposed first. */
export function matMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return rounded(a, b, (a, b) =>
    rawOp('MatMul', [a, b], { T: dtypeOf(a), transpose_a: transposeA, transpose_b: transposeB }),
  );
}

/** The same of two stacks of matrices [..., n, m]. */
export function batchMatMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return rounded(a, b, (a, b) =>
    rawOp('BatchMatMulV2', [a, b], { T: dtypeOf(a), adj_x: transposeA, adj_y: transposeB }),
  );
}

function rounded(a: Tensor, b: Tensor, multiply: (a: Tensor, b: Tensor) => Tensor): Tensor {
  if (dtypeOf(a) !== 'bfloat16' || roundsBfloat16()) return multiply(a, b);
  return tf.tidy(() => cast(multiply(cast(a, 'float32'), cast(b, 'float32')), 'bfloat16'));
}

function roundsBfloat16(): boolean {
  return engineInfo().device === 'gpu' || oneDnnServes('bfloat16');
}
