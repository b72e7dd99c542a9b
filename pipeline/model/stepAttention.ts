// Attention of one new token a row to what its row has cached: rows are of any length, and a cache has room beyond it
// for tokens to come.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, reshape, transpose } from '../engine/layoutOps.ts';
import { batchMatMul } from '../engine/matMul.ts';
import { dtypeOf, rawOp } from '../engine/rawOp.ts';
import { softmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { attentionInputs, MASKED } from './causalAttention.ts';
import type { RotaryTables } from './rotaryEmbedding.ts';

/** Keys and values of B rows in one layer, [B, KV, C, hd], kept; a step changes them in place or replaces them. */
export interface LayerRows {
  keys: Tensor;
  values: Tensor;
}

interface StepOptions {
  queryHeads: number;
  headDim: number;
  rotary: RotaryTables;
  cache: LayerRows;
  /** How many tokens each row has cached: int32 [B]. */
  lengths: Tensor;
}

/**
 * Appends the keys and values of the new tokens to the cache, which must share its memory with no other tensor.
 * @param heads [B, (H + 2 KV) hd]
 * @returns [B, H hd]
 */
export function stepAttention(heads: Tensor, { headDim, cache, lengths, ...layout }: StepOptions): Tensor {
  const B = heads.shape[0];
  const { Q, K, V } = attentionInputs(reshape(heads, [1, B, -1, headDim]), layout); // [1, KV, G, B, hd], twice [1, KV, B, hd]
  const T = dtypeOf(Q);
  if (hasFusedKernels()) {
    const inputs = [Q, K, V, cache.keys, cache.values, lengths];
    return reshape(rawOp('RedistillStepAttention', inputs, { T }), [B, -1]);
  }
  cache.keys = append(cache.keys, K, lengths);
  cache.values = append(cache.values, V, lengths);
  const [, KV, G] = Q.shape as number[];
  const queries = reshape(transpose(Q, [0, 3, 1, 2, 4]), [B, KV!, G!, headDim]);
  const scores = batchMatMul(queries, cache.keys, { transposeB: true }); // [B, KV, G, C]
  const mask = tf.cast(columnsOf(cache.keys).greater(columnOf(lengths)), 'float32').mul(MASKED);
  const P = softmax(rawOp('AddV2', [scores, cast(mask, T)], { T }));
  return reshape(batchMatMul(P, cache.values), [B, -1]);
}

/** The cache [B, KV, C, hd] with the entries [1, KV, B, hd] at its rows' lengths; the old one is freed. */
function append(cache: Tensor, entries: Tensor, lengths: Tensor): Tensor {
  const [, KV, B, headDim] = entries.shape as number[];
  const atEnd = reshape(columnsOf(cache).equal(columnOf(lengths)), [B!, 1, -1, 1]);
  const spread = reshape(transpose(entries, [2, 1, 0, 3]), [B!, KV!, 1, headDim!]);
  const appended = rawOp('SelectV2', [atEnd, spread, cache], { T: dtypeOf(cache) });
  cache.dispose();
  return tf.keep(appended);
}

const columnsOf = (cache: Tensor) => tf.range(0, cache.shape[2]!, 1, 'int32');
const columnOf = (lengths: Tensor) => reshape(lengths, [-1, 1, 1, 1]);
