// y = x Wᵀ + b for every kind of weight: float32 (training in full precision, references), bfloat16 (fast frozen
// or trainable copies) and HQQ-packed (the teacher). Weights are stored [out, in], as in checkpoints.
// The product runs in the weight's own precision; the gradients that flow between functions are always float32.
import { cast } from './layoutOps.ts';
import { packedMatMul, type PackedWeight } from './packedWeight.ts';
import { dtypeOf, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';
import { withGradient } from './tape.ts';

/** A plain matrix [out, in] in float32 or bfloat16; `trainable` puts it on the gradient tape. */
export interface DenseWeight {
  kind: 'dense';
  values: Tensor;
  trainable: boolean;
}

export type Weight = DenseWeight | PackedWeight;

/**
 * @param x [N, in], float32 or bfloat16
 * @param bias [out], float32
 * @returns [N, out] in the precision of the weight
 */
export function linear(x: Tensor, weight: Weight, bias?: Tensor): Tensor {
  const product = weight.kind === 'packed' ? packedMatMul(x, weight) : denseProduct(x, weight);
  return bias ? addBias(product, bias) : product;
}

/** The product of two matrices of one dtype, either one transposed first. */
export function matMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return rawOp('MatMul', [a, b], { T: dtypeOf(a), transpose_a: transposeA, transpose_b: transposeB });
}

/** y = x Wᵀ, so dx = dy W and dW = dyᵀ x. */
function denseProduct(x: Tensor, { values: w, trainable }: DenseWeight): Tensor {
  const dtype = dtypeOf(w);
  const forward = () => ({ value: matMul(cast(x, dtype), w, { transposeB: true }), saved: [x] as [Tensor] });
  const dInput = (dy: Tensor) => cast(matMul(dy, w), 'float32');
  const dWeight = (dy: Tensor, x: Tensor) =>
    cast(matMul(dy, cast(x, dtype), { transposeA: true }), 'float32');
  if (!trainable) return withGradient([x], forward, (dy) => [dInput(cast(dy, dtype))]);
  return withGradient([x, w], forward, (dy, [x]) => {
    const dyInDtype = cast(dy, dtype);
    return [dInput(dyInDtype), dWeight(dyInDtype, x)];
  });
}

/** y + b, added in float32 and returned in the dtype of y; db is the sum of dy over the rows. */
function addBias(y: Tensor, bias: Tensor): Tensor {
  return withGradient(
    [y, bias],
    () => ({ value: cast(tf.add(cast(y, 'float32'), bias), dtypeOf(y)), saved: [] }),
    (dy) => [dy.clone(), tf.sum(dy, 0)],
  );
}
