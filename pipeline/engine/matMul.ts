// The matrix product that all linear maps are made of, for float32 and bfloat16 alike.
import { dtypeOf, rawOp } from './rawOp.ts';
import type { Tensor } from './tensorflow.ts';

/** The product of two matrices of one dtype, either one transposed first. */
export function matMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return rawOp('MatMul', [a, b], { T: dtypeOf(a), transpose_a: transposeA, transpose_b: transposeB });
}
