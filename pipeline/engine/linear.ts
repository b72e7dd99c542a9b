// y = x Wᵀ + b for every kind of weight: float32 (training in full precision, references), bfloat16 (fast frozen
// or trainable copies) and HQQ-packed (the teacher), with an adapter beside it if it has one. Weights are stored
// [out, in], as in checkpoints.
// The product runs in the weight's own precision, and so do its gradients.
import { cast, concat, slice } from './layoutOps.ts';
import { addLowRank, type Adapter } from './lowRank.ts';
import { matMul } from './matMul.ts';
import { packedMatMul, type PackedWeight } from './packedWeight.ts';
import { dtypeOf } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';
import { withGradient, type Parameter } from './tape.ts';

/** A plain matrix [out, in] in float32 or bfloat16. */
export interface DenseWeight extends Parameter {
  kind: 'dense';
}

export type Weight = DenseWeight | PackedWeight;

/** A projection: weight [out, in] and perhaps a bias [out], float32, and a low-rank adapter. */
export interface Linear {
  weight: Weight;
  bias?: Parameter;
  adapter?: Adapter;
}

/** `dropoutSeed` is that of a training pass; without it adapters drop nothing. */
interface LinearOptions {
  dropoutSeed?: number;
}

/**
 * @param x [N, in], float32 or bfloat16
 * @returns [N, out] in the precision of the weight
 */
export function linear(x: Tensor, projection: Linear, options: LinearOptions = {}): Tensor {
  return linears(x, [projection], options);
}

/**
 * Several projections of one x side by side, [N, Σ out], as one product: the narrow ones among them, such as the keys
 * and values of grouped-query attention, would run at half the rate alone.
 */
export function linears(x: Tensor, projections: Linear[], options: LinearOptions = {}): Tensor {
  const product = sideBySide(
    x,
    projections.map(({ weight }) => weight),
  );
  const biases = projections.flatMap(({ bias }) => bias ?? []);
  const biased = biases.length > 0 ? addBias(product, biases) : product;
  const parts = projections.map(({ weight, adapter }) => ({ width: outputsOf(weight), adapter }));
  return addLowRank(biased, x, parts, options);
}

function outputsOf(weight: Weight): number {
  return weight.kind === 'packed' ? weight.shape[0] : weight.values.shape[0];
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

/** y = x Wᵀ with the weights stacked to one W, so dx = dy W and dW = dyᵀ x, cut apart again. */
function denseProduct(x: Tensor, weights: DenseWeight[]): Tensor {
  const values = weights.map(({ values }) => values);
  const dtype = dtypeOf(values[0]!);
  const xDtype = dtypeOf(x);
  const trained = weights.filter(({ trainable }) => trainable).map(({ values }) => values);
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
      const dyTrained = trained.length < values.length ? trainedColumns(dyInDtype, weights) : dyInDtype;
      const dW = matMul(dyTrained, cast(x, dtype), { transposeA: true });
      return [
        dx,
        ...split(
          dW,
          trained.map(({ shape }) => shape[0]),
        ),
      ];
    },
  );
}

/** Of dy [N, Σ out] the columns that belong to trainable weights. */
function trainedColumns(dy: Tensor, weights: DenseWeight[]): Tensor {
  let end = 0;
  const columns = weights.map(({ values, trainable }) => {
    const width = values.shape[0];
    const begin = end;
    end += width;
    return trainable ? [slice(dy, [0, begin], [-1, width])] : [];
  });
  return concat(columns.flat(), 1);
}

/** y + b, added in float32 and returned in the dtype of y; db is the sum of dy over the rows. */
function addBias(y: Tensor, biases: Parameter[]): Tensor {
  const values = biases.map(({ values }) => values);
  const isTrained = biases.some(({ trainable }) => trainable);
  return withGradient(
    isTrained ? [y, ...values] : [y],
    () => ({ value: cast(tf.add(cast(y, 'float32'), concat(values, 0)), dtypeOf(y)), saved: [] }),
    (dy) => {
      if (!isTrained) return [dy.clone()];
      const db = tf.sum(cast(dy, 'float32'), 0);
      return [
        dy.clone(),
        ...split(
          db,
          values.map(({ size }) => size),
        ),
      ];
    },
  );
}

/** Cuts a tensor along its first axis into parts of these lengths. */
function split(tensor: Tensor, lengths: number[]): Tensor[] {
  if (lengths.length === 1) return [tensor.clone()];
  let end = 0;
  return lengths.map((length) => {
    const begin = end;
    end += length;
    return slice(tensor, [begin, ...tensor.shape.slice(1).map(() => 0)], [length, ...tensor.shape.slice(1)]);
  });
}
