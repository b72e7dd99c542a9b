// Ops that move or relabel values of any dtype without computing on them.
// tfjs's own versions stamp its dtype label on the op and so refuse bfloat16 and the like.
import { dtypeOf, int32, rawOp, type DType } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** The same values in another shape; one side may be -1. */
export function reshape(tensor: Tensor, shape: readonly number[]): Tensor {
  return tf.tidy(() => rawOp('Reshape', [tensor, int32(shape)], { T: dtypeOf(tensor), Tshape: 'int32' }));
}

/** Permutes the axes. */
export function transpose(tensor: Tensor, permutation: readonly number[]): Tensor {
  return tf.tidy(() =>
    rawOp('Transpose', [tensor, int32(permutation)], { T: dtypeOf(tensor), Tperm: 'int32' }),
  );
}

/** The block of `tensor` at `begin` of extent `size` (-1: to the end). */
export function slice(tensor: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  return tf.tidy(() =>
    rawOp('Slice', [tensor, int32(begin), int32(size)], { T: dtypeOf(tensor), Index: 'int32' }),
  );
}

/** Joins tensors of one dtype along `axis`. */
export function concat(tensors: Tensor[], axis: number): Tensor {
  if (tensors.length === 1) return tensors[0]!.clone(); // the op wants at least two
  const attributes = { N: { int: tensors.length }, T: dtypeOf(tensors[0]!), Tidx: 'int32' } as const;
  return tf.tidy(() => rawOp('ConcatV2', [...tensors, int32(axis)], attributes));
}

/** Rows of `table` by int32 `indices`: [rows, ...] and [n] give [n, ...]. */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  const attributes = {
    Tparams: dtypeOf(table),
    Tindices: 'int32',
    Taxis: 'int32',
    batch_dims: { int: 0 },
  } as const;
  return tf.tidy(() => rawOp('GatherV2', [table, indices, int32(0)], attributes));
}

/** Reinterprets the bytes as another dtype; the last axis appears, grows or goes as the widths demand. */
export function bitcast(tensor: Tensor, dtype: DType): Tensor {
  return rawOp('Bitcast', [tensor], { T: dtypeOf(tensor), type: dtype });
}

/** Converts to another dtype; a tensor that has it already is returned as an alias. */
export function cast(tensor: Tensor, dtype: DType): Tensor {
  const from = dtypeOf(tensor);
  if (from === dtype) return tensor.clone();
  return rawOp('Cast', [tensor], { SrcT: from, DstT: dtype, Truncate: false });
}
