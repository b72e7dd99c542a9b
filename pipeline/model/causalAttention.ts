// Causal grouped-query attention (arXiv 2305.13245), one block of queries at a time: a block sees the keys up to its
// own end and no others, so half of the square is never computed and memory is linear in T. The G query heads that
// share a key head are folded into the rows of one product. Products run in the dtype of the inputs.
//
// With P = softmax(Q Kᵀ), O = P V and the scale inside K, for a block of queries:
//   dV += Pᵀ dO,   dP = dO Vᵀ,   dS = P (dP - rowsum(P dP)),   dQ = dS K,   dK += dSᵀ Q scale
// P is computed again in the backward pass instead of being kept.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, concat, reshape, slice, transpose } from '../engine/layoutOps.ts';
import { dtypeOf, rawOp, rawOps } from '../engine/rawOp.ts';
import { softmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { withGradient } from '../engine/tape.ts';
import { rotate, rotateBack, type RotaryTables } from './rotaryEmbedding.ts';

export const QUERY_BLOCK = 256; // 64 and 128 were slower on a CPU: larger products outweigh the work that is masked

/** Minus infinity would make 0 * inf in gradients; this is enough to underflow to an exact 0 after the softmax. */
export const MASKED = -1e9;

/**
 * Rotary embedding and attention over projected heads.
 * @param heads [B, T, H + 2 KV, hd]: queries, keys and values side by side
 * @returns [B, T, H, hd] in the dtype of the heads
 */
export function causalAttention(
  heads: Tensor,
  { queryHeads: H, rotary }: { queryHeads: number; rotary: RotaryTables },
): Tensor {
  const T = heads.shape[1]!;
  const KV = (heads.shape[2]! - H) / 2;
  return withGradient(
    [heads],
    () => {
      const { Q, K, V } = attentionInputs(heads, { H, KV, rotary });
      const value = ungroupQueries(
        concat(
          queryBlocks(T).map((block) => attend(Q, K, V, block)),
          3,
        ),
      );
      return { value, saved: [heads] as [Tensor] };
    },
    (dO, [heads]) => {
      const { Q, K, V, scale } = attentionInputs(heads, { H, KV, rotary });
      const dOut = groupQueries(cast(dO, dtypeOf(heads)), KV);
      const blocks = queryBlocks(T).map((block) => attendBackward({ Q, K, V, dOut, T }, block));
      const dQ = concat(
        blocks.map(({ dQ }) => dQ),
        3,
      );
      const dK = sumOf(blocks.map(({ dK }) => dK));
      const dV = sumOf(blocks.map(({ dV }) => dV));
      return [headsGradient({ dQ, dK, dV, scale }, rotary)];
    },
  );
}

/** Q [B, KV, G, T, hd], rotated; K [B, KV, T, hd], rotated and, having fewer heads, scaled; V [B, KV, T, hd]. */
export function attentionInputs(
  heads: Tensor,
  { H, KV, rotary }: { H: number; KV: number; rotary: RotaryTables },
) {
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

function queryBlocks(T: number): QueryBlock[] {
  const count = Math.ceil(T / QUERY_BLOCK);
  return Array.from({ length: count }, (_, i) => ({
    begin: i * QUERY_BLOCK,
    end: Math.min(T, (i + 1) * QUERY_BLOCK),
  }));
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
  T: number;
}

function attendBackward({ Q, K, V, dOut, T }: AttentionState, block: QueryBlock) {
  return tf.tidy(() => {
    const [B, KV, G, , headDim] = Q.shape as number[];
    const [q, k, v, dO] = [rowsOf(Q, block), keysOf(K, block), keysOf(V, block), rowsOf(dOut, block)];
    const P = probabilities(q, k, block);
    const dS = scoresGradient(P, batchMatMul(dO, v, { transposeB: true }), block);
    const toAllKeys = (d: Tensor) =>
      block.end === T
        ? d
        : tf.pad(cast(d, 'float32'), [
            [0, 0],
            [0, 0],
            [0, T - block.end],
            [0, 0],
          ]);
    return {
      dQ: reshape(batchMatMul(dS, k), [B!, KV!, G!, -1, headDim!]),
      dK: toAllKeys(batchMatMul(dS, q, { transposeA: true })),
      dV: toAllKeys(batchMatMul(P, dO, { transposeA: true })),
    };
  });
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

/** Of one block as it is, of several in float32. */
function sumOf(blocks: Tensor[]): Tensor {
  return blocks.length === 1 ? blocks[0]! : tf.addN(blocks.map((block) => cast(block, 'float32')));
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

export function batchMatMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return rawOp('BatchMatMulV2', [a, b], { T: dtypeOf(a), adj_x: transposeA, adj_y: transposeB });
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
