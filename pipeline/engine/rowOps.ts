// Picking and changing a few entries in each row of a matrix, as sparse targets and one-hot labels need.
// An id of -1 stands for "no entry": it reads column 0, and may only be added with value 0.
import { cast } from './layoutOps.ts';
import { dtypeOf, int32, rawOp, rawOps } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** values[n, ids[n, k]]: [n, V] and int32 [n, K] give [n, K]. */
export function gatherPerRow(values: Tensor, ids: Tensor): Tensor {
  const attributes = {
    Tparams: dtypeOf(values),
    Tindices: 'int32',
    Taxis: 'int32',
    batch_dims: { int: 1 },
  } as const;
  return tf.tidy(() => rawOp('GatherV2', [values, tf.maximum(ids, int32(0)), int32(1)], attributes));
}

/** Adds updates [n, K] (float32) at columns ids [n, K] of matrix [n, V]; the result has the matrix's dtype. */
export function scatterAddPerRow(matrix: Tensor, ids: Tensor, updates: Tensor): Tensor {
  return tf.tidy(() => {
    const [n, K] = ids.shape as [number, number];
    const rows = tf.range(0, n, 1, 'int32').expandDims(1).tile([1, K]);
    const indices = tf.stack([rows, tf.maximum(ids, int32(0))], 2); // [n, K, 2]
    const T = dtypeOf(matrix);
    return rawOp('TensorScatterAdd', [matrix, indices, cast(updates, T)], { T, Tindices: 'int32' });
  });
}

/** The k largest values of each row, largest first, and their columns: [n, V] gives two [n, k]. */
export function topKPerRow(values: Tensor, k: number): { values: Tensor; ids: Tensor } {
  const attributes = { sorted: true, T: dtypeOf(values), Tk: 'int32', index_type: 'int32' } as const;
  const kTensor = int32(k);
  const [top, ids] = rawOps('TopKV2', [values, kTensor], attributes, 2) as [Tensor, Tensor];
  kTensor.dispose();
  return { values: top, ids };
}
