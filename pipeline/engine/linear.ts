// y = x Wᵀ + b for every kind of weight: float32 (training in full precision, references), bfloat16 (fast frozen
// or trainable copies) and HQQ-packed (the teacher). Weights are stored [out, in], as in checkpoints.
// The product runs in the weight's own precision, and so do its gradients; that of a weight is float32.
import { cast, concat } from './layoutOps.ts';
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

/** A tensor that training may replace. */
export interface Parameter {
  values: Tensor;
}

/** A projection: weight [out, in] and perhaps a bias [out], float32. */
export interface Linear {
  weight: Weight;
  bias?: Parameter;
}

/**
 * @param x [N, in], float32 or bfloat16
 * @returns [N, out] in the precision of the weight
 */
export function linear(x: Tensor, { weight, bias }: Linear): Tensor {
  const product = sideBySide(x, [weight]);
  return bias ? addBias(product, [bias.values]) : product;
}

/**
 * Several projections of one x side by side, [N, Σ out], as one product: the narrow ones among them, such as the keys
 * and values of grouped-query attention, would run at half the rate alone.
 */
export function linears(x: Tensor, projections: Linear[]): Tensor {
  const product = sideBySide(
    x,
    projections.map(({ weight }) => weight),
  );
  const biases = projections.flatMap(({ bias }) => (bias ? [bias.values] : []));
  return biases.length > 0 ? addBias(product, biases) : product;
}

function sideBySide(x: Tensor, weights: Weight[]): Tensor {
  const dense = weights.filter((weight) => weight.kind === 'dense');
  const packed = weights.filter((weight) => weight.kind === 'packed');
  if (packed.length === 0) return denseProduct(x, dense);
  if (dense.length === 0) return packedMatMul(x, ...packed);
  return concat(
    weights.map((weight) => sideBySide(x, [weight])),
    1,
  );
}

/** The product of two matrices of one dtype, either one transposed first. */
export function matMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return rawOp('MatMul', [a, b], { T: dtypeOf(a), transpose_a: transposeA, transpose_b: transposeB });
}

/** y = x Wᵀ with the weights stacked to one W, so dx = dy W and dW = dyᵀ x, cut apart again. All are trainable or none. */
function denseProduct(x: Tensor, weights: DenseWeight[]): Tensor {
  const values = weights.map(({ values }) => values);
  const dtype = dtypeOf(values[0]!);
  const xDtype = dtypeOf(x);
  const trained = weights[0]!.trainable ? values : [];
  return withGradient<Tensor[]>(
    [x, ...trained],
    () => ({
      value: matMul(cast(x, dtype), concat(values, 0), { transposeB: true }),
      saved: trained.length > 0 ? [x] : [],
    }),
    (dy, [x]) => {
      const dyInDtype = cast(dy, dtype);
      const dx = cast(matMul(dyInDtype, concat(values, 0)), xDtype);
      if (!x) return [dx];
      const dW = cast(matMul(dyInDtype, cast(x, dtype), { transposeA: true }), 'float32');
      return [
        dx,
        ...split(
          dW,
          values.map(({ shape }) => shape[0]),
        ),
      ];
    },
  );
}

/** y + b, added in float32 and returned in the dtype of y; db is the sum of dy over the rows. */
function addBias(y: Tensor, biases: Tensor[]): Tensor {
  return withGradient(
    [y, ...biases],
    () => ({ value: cast(tf.add(cast(y, 'float32'), concat(biases, 0)), dtypeOf(y)), saved: [] }),
    (dy) => [
      dy.clone(),
      ...split(
        tf.sum(cast(dy, 'float32'), 0),
        biases.map(({ size }) => size),
      ),
    ],
  );
}

/** Cuts a tensor along its first axis into parts of these lengths. */
function split(tensor: Tensor, lengths: number[]): Tensor[] {
  if (lengths.length === 1) return [tensor.clone()];
  return tf.split(tensor, lengths, 0);
}
