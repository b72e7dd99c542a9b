// Causal grouped-query attention (arXiv 2305.13245), one block of queries at a time: a block sees the keys up to its
// own end and no others, so half of the square is never computed and memory is linear in T. The G query heads that
// share a key head are folded into the rows of one product. Products run in the dtype of the inputs.
//
// With P = softmax(Q Kᵀ), O = P V and the scale inside K, for a block of queries:
//   dV += Pᵀ dO,   dP = dO Vᵀ,   dS = P (dP - rowsum(P dP)),   dQ = dS K,   dK += dSᵀ Q scale
// P is computed again in the backward pass instead of being kept.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, concat, reshape, slice, transpose } from '../engine/layoutOps.ts';
import { batchMatMul } from '../engine/matMul.ts';
import { dtypeOf, rawOp, rawOps } from '../engine/rawOp.ts';
import { softmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { rotate, rotateBack, type RotaryTables } from './rotaryEmbedding.ts';

export const QUERY_BLOCK = 256; // 64 and 128 were slower on a CPU: larger products outweigh the work that is masked

/** Minus infinity would make 0 * inf in gradients; this is enough to underflow to an exact 0 after the softmax. */
export const MASKED = -1e9;

/** How the heads lie side by side, and the tables of the positions 0 .. T-1. */
interface HeadsLayout {
  queryHeads: number;
  rotary: RotaryTables;
}

/**
 * Rotary embedding and attention over projected heads.
 * @param heads [B, T, H + 2 KV, hd]: queries, keys and values side by side
 * @returns [B, T, H, hd] in the dtype of the heads
 */
export function causalAttention(heads: Tensor, layout: HeadsLayout): Tensor {
  return tf.tidy(() => {
    const { Q, K, V } = attentionInputs(heads, layout);
    const blocks = queryBlocks(heads.shape[1]!).map((block) => attend(Q, K, V, block));
    return ungroupQueries(concat(blocks, 3));
  });
}

/** The gradient of `causalAttention` by the heads, in their dtype or float32; dO is [B, T, H, hd]. */
export function causalAttentionGradient(heads: Tensor, dO: Tensor, layout: HeadsLayout): Tensor {
  return tf.tidy(() => {
    const { Q, K, V, scale } = attentionInputs(heads, layout);
    const dOut = groupQueries(cast(dO, dtypeOf(heads)), K.shape[1]!);
    const T = heads.shape[1]!;
    const dQ: Tensor[] = [];
    let dK: Tensor | undefined;
    let dV: Tensor | undefined;
    for (const block of queryBlocks(T)) {
      const own = attendBackward({ Q, K, V, dOut }, block);
      dQ.push(own.dQ);
      dK = addToKeys(dK, own.dK, T);
      dV = addToKeys(dV, own.dV, T);
    }
    return headsGradient({ dQ: concat(dQ, 3), dK: dK!, dV: dV!, scale }, layout.rotary);
  });
}

/** Q [B, KV, G, T, hd], rotated; K [B, KV, T, hd], rotated and, having fewer heads, scaled; V [B, KV, T, hd]. */
export function attentionInputs(heads: Tensor, { queryHeads: H, rotary }: HeadsLayout) {
  const KV = (heads.shape[2]! - H) / 2;
  const dtype = dtypeOf(heads);
  const part = (x: Tensor, begin: number, count: number) => slice(x, [0, 0, begin, 0], [-1, -1, count, -1]);
  const scale = heads.shape[3]! ** -0.5;
  if (hasFusedKernels()) {
    const attributes = { T: dtype, query_heads: { int: H } };
    const [Q, K, V] = rawOps('RedistillRotateHeads', [heads, rotary.cos, rotary.sin], attributes, 3);
    return { Q: Q!, K: K!, V: V!, scale };
  }
  const rotated = rotate(cast(part(heads, 0, H + KV), 'float32'), rotary);
  return {
    Q: groupQueries(cast(part(rotated, 0, H), dtype), KV),
    K: headsFirst(cast(part(rotated, H, KV).mul(scale), dtype)),
    V: headsFirst(part(heads, H + KV, KV)),
    scale,
  };
}

/** A range of query positions; it attends to the keys `0 .. end-1`. */
interface QueryBlock {
  begin: number;
  end: number;
}

/** As few blocks as QUERY_BLOCK allows, and even: a short last one would be a narrow product. */
function queryBlocks(T: number): QueryBlock[] {
  const count = Math.ceil(T / QUERY_BLOCK);
  const end = (i: number) => Math.round((i * T) / count);
  return Array.from({ length: count }, (_, i) => ({ begin: end(i), end: end(i + 1) }));
}

function attend(Q: Tensor, K: Tensor, V: Tensor, block: QueryBlock): Tensor {
  return tf.tidy(() => {
    const [B, KV, G, , headDim] = Q.shape as number[];
    const P = probabilities(rowsOf(Q, block), keysOf(K, block), block);
    return reshape(batchMatMul(P, keysOf(V, block)), [B!, KV!, G!, -1, headDim!]); // [B, KV, G, n, hd]
  });
}

interface AttentionState {
  Q: Tensor; // [B, KV, G, T, hd]
  K: Tensor; // [B, KV, T, hd], scaled
  V: Tensor; // [B, KV, T, hd]
  dOut: Tensor; // [B, KV, G, T, hd]
}

/** A block's dQ [B, KV, G, n, hd] and its share of dK and dV [B, KV, end, hd]. */
function attendBackward({ Q, K, V, dOut }: AttentionState, block: QueryBlock) {
  return tf.tidy(() => {
    const [B, KV, G, , headDim] = Q.shape as number[];
    const [q, k, v, dO] = [rowsOf(Q, block), keysOf(K, block), keysOf(V, block), rowsOf(dOut, block)];
    const P = probabilities(q, k, block);
    const dS = scoresGradient(P, batchMatMul(dO, v, { transposeB: true }), block);
    return {
      dQ: reshape(batchMatMul(dS, k), [B!, KV!, G!, -1, headDim!]),
      dK: batchMatMul(dS, q, { transposeA: true }),
      dV: batchMatMul(P, dO, { transposeA: true }),
    };
  });
}

/** Adds a block's share to the sum over all T keys, in float32, and frees both; a block that is alone stays as it is. */
function addToKeys(sum: Tensor | undefined, share: Tensor, T: number): Tensor {
  const others = T - share.shape[2]!;
  if (!sum && others === 0) return share;
  const total = tf.tidy(() => {
    const padded = tf.pad(cast(share, 'float32'), [[0, 0], [0, 0], [0, others], [0, 0]]); // prettier-ignore
    return sum ? sum.add(padded) : padded;
  });
  tf.dispose(sum ? [sum, share] : share);
  return total;
}

/** Softmax over the visible keys: [B, KV, G n, hd] and [B, KV, end, hd] give [B, KV, G n, end]. */
function probabilities(q: Tensor, k: Tensor, { begin, end }: QueryBlock): Tensor {
  const T = dtypeOf(q);
  const [B, KV, rows] = q.shape as number[];
  const products = batchMatMul(q, k, { transposeB: true });
  if (hasFusedKernels())
    return rawOp('RedistillCausalSoftmax', [products], { T, block: { int: end - begin } });
  const scores = reshape(products, [B!, KV!, -1, end - begin, end]);
  const masked = rawOp('AddV2', [scores, cast(causalMask(begin, end), T)], { T });
  return softmax(reshape(masked, [B!, KV!, rows!, end]));
}

/** dS = P (dP - rowsum(P dP)), in their dtype. */
function scoresGradient(P: Tensor, dP: Tensor, { begin, end }: QueryBlock): Tensor {
  const T = dtypeOf(P);
  if (hasFusedKernels())
    return rawOp('RedistillCausalSoftmaxGrad', [P, dP], { T, block: { int: end - begin } });
  const [p, d] = [cast(P, 'float32'), cast(dP, 'float32')];
  return cast(p.mul(d.sub(p.mul(d).sum(-1, true))), T);
}

/** The gradient of `attentionInputs`: dQ [B, KV, G, T, hd], dK and dV [B, KV, T, hd] to [B, T, H + 2 KV, hd]. */
function headsGradient(
  { dQ, dK, dV, scale }: { dQ: Tensor; dK: Tensor; dV: Tensor; scale: number },
  rotary: RotaryTables,
): Tensor {
  if (hasFusedKernels()) {
    const attributes = { T: dtypeOf(dQ), S: dtypeOf(dK) };
    return rawOp('RedistillRotateHeadsGrad', [dQ, dK, dV, rotary.cos, rotary.sin], attributes);
  }
  const queries = cast(ungroupQueries(dQ), 'float32');
  const keys = cast(headsFirst(dK), 'float32').mul(scale);
  const values = cast(headsFirst(dV), 'float32');
  return concat([rotateBack(concat([queries, keys], 2), rotary), values], 2);
}

/** 0 where the query at `begin + row` may see the key at `column`, else MASKED: [end - begin, end]. */
function causalMask(begin: number, end: number): Tensor {
  const rows = tf.range(begin, end, 1, 'float32').expandDims(1);
  const columns = tf.range(0, end, 1, 'float32').expandDims(0);
  return tf.greater(columns, rows).cast('float32').mul(MASKED);
}

/** [B, T, H, d] to [B, KV, G, T, d]: the heads that share a key head side by side. */
function groupQueries(x: Tensor, KV: number): Tensor {
  const [B, T, H, d] = x.shape as number[];
  return transpose(reshape(x, [B!, T!, KV, H! / KV, d!]), [0, 2, 3, 1, 4]);
}

/** The inverse of `groupQueries`. */
export function ungroupQueries(x: Tensor): Tensor {
  const [B, KV, G, T, d] = x.shape as number[];
  return reshape(transpose(x, [0, 3, 1, 2, 4]), [B!, T!, KV! * G!, d!]);
}

/** [B, T, KV, hd] to [B, KV, T, hd], and back. */
function headsFirst(x: Tensor): Tensor {
  return transpose(x, [0, 2, 1, 3]);
}

/** A block's rows of [B, KV, G, T, d], folded to [B, KV, G n, d]. */
function rowsOf(x: Tensor, { begin, end }: QueryBlock): Tensor {
  const [B, KV, , , d] = x.shape as number[];
  return reshape(slice(x, [0, 0, 0, begin, 0], [-1, -1, -1, end - begin, -1]), [B!, KV!, -1, d!]);
}

/** The keys or values a block sees: [B, KV, end, hd]. */
function keysOf(x: Tensor, { end }: QueryBlock): Tensor {
  return slice(x, [0, 0, 0, 0], [-1, -1, end, -1]);
}
