// The gradient of a parameter over the micro-batches of a step. Products give their gradients in their own precision:
// the first is kept as it comes, and sums are float32. So nothing is lost, and a step of one micro-batch never holds more
// than its products gave.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast } from '../engine/layoutOps.ts';
import { dtypeOf, int32, rawOp, rawOps } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import {
  assignAdd,
  createVariable,
  disposeVariable,
  readVariable,
  scatterAddRows,
  variableOf,
  type Variable,
} from '../engine/variable.ts';

/** The sum of both, in place of the first one. */
export function addToGradient(sum: Variable | undefined, gradient: Tensor): Variable {
  if (!sum) return createVariable(gradient);
  const result = inFloat32(sum);
  tf.tidy(() => {
    if (dtypeOf(gradient) === 'float32' || !hasFusedKernels()) assignAdd(result, cast(gradient, 'float32'));
    else rawOps('RedistillAccumulate', [readVariable(result), gradient], { T: dtypeOf(gradient) }, 0);
  });
  return result;
}

/** As `addToGradient`, of `updates` [n, D] that belong to some rows of the parameter. */
export function addToRows(
  sum: Variable | undefined,
  updates: Tensor,
  { rows, shape }: { rows: Int32Array; shape: number[] },
): Variable {
  const result = sum ? inFloat32(sum) : variableOf(() => tf.zeros(shape));
  tf.tidy(() => {
    if (hasFusedKernels())
      rawOps('RedistillAccumulateRows', [readVariable(result), int32(rows), updates], {}, 0);
    else scatterAddRows(result, int32(rows), updates); // from then on TensorFlow copies what it reads
  });
  return result;
}

/** √ Σ g² over all gradients. */
export function globalNorm(gradients: Variable[]): number {
  return tf.tidy(() => Math.sqrt(tf.addN(gradients.map(sumOfSquares)).dataSync()[0]!));
}

function sumOfSquares(gradient: Variable): Tensor {
  const values = readVariable(gradient);
  if (hasFusedKernels()) return rawOp('RedistillSumOfSquares', [values], { T: gradient.dtype });
  return rawOp('L2Loss', [cast(values, 'float32')], { T: 'float32' }).mul(2); // half the sum in one pass
}

function inFloat32(sum: Variable): Variable {
  if (sum.dtype === 'float32') return sum;
  const result = variableOf(() => cast(readVariable(sum), 'float32'));
  disposeVariable(sum);
  return result;
}
