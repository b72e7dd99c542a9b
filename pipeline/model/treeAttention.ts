// Attention in a tree of sequences (tokenTree.ts), perhaps after cached tokens that all of them begin with. A
// block of queries takes part in one product with the keys from the first that any of them sees to its own end, and the
// softmax leaves out what lies between: where sequences are short, a block holds several of them.
import { hasFusedKernels } from '../engine/fusedKernels.ts';
import { cast, concat, reshape, slice } from '../engine/layoutOps.ts';
import { batchMatMul } from '../engine/matMul.ts';
import { dtypeOf, rawOp, upload } from '../engine/rawOp.ts';
import { softmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { attentionInputs, MASKED, QUERY_BLOCK, ungroupQueries } from './causalAttention.ts';
import type { TokenTree } from './tokenTree.ts';
import type { RotaryTables } from './rotaryEmbedding.ts';

/** Keys, rotated and scaled, and values of some tokens in one layer: [1, KV, N, hd]. */
export interface KeysAndValues {
  keys: Tensor;
  values: Tensor;
}

/** Queries `begin .. end-1` of a tree and the keys they see: all cached ones, then those from `first` to `end`. */
export interface TreeBlock {
  begin: number;
  end: number;
  first: number;
  /** Begin and end of the spans that each query sees among those keys: int32 [end - begin, 2 S]. */
  spans: Tensor;
}

/** Cuts a tree into blocks; free their `spans`. `cached` is how many tokens come before it. */
export function treeBlocks({ spans }: Pick<TokenTree, 'spans'>, { cached = 0 } = {}): TreeBlock[] {
  const count = Math.ceil(spans.length / QUERY_BLOCK);
  return Array.from({ length: count }, (_, i) => {
    const begin = i * QUERY_BLOCK;
    const seen = spans.slice(begin, begin + QUERY_BLOCK);
    const first = Math.min(...seen.map((query) => query[0]!));
    return { begin, end: begin + seen.length, first, spans: spanTensor(seen, { first, cached }) };
  });
}

/** Spans in columns of a block's keys, filled up to one width with empty ones at the end. */
function spanTensor(seen: number[][], { first, cached }: { first: number; cached: number }): Tensor {
  const width = 2 + Math.max(...seen.map((query) => query.length));
  const values = new Int32Array(seen.length * width);
  seen.forEach((query, i) => {
    const columns = [0, cached, ...query.map((place) => place - first + cached)];
    values.fill(columns.at(-1)!, i * width, (i + 1) * width);
    values.set(columns, i * width);
  });
  return upload(values, [seen.length, width]);
}

/** How the heads lie, what each position rotates by, and what the tree's tokens see. */
interface TreeLayout {
  queryHeads: number;
  headDim: number;
  rotary: RotaryTables;
  blocks: TreeBlock[];
  cached?: KeysAndValues | undefined;
}

/**
 * Rotary embedding and attention over the projected heads of a tree.
 * @param heads [N, (H + 2 KV) hd]: queries, keys and values side by side
 * @returns context [N, H hd], and the tree's own keys and values
 */
export function treeAttention(
  heads: Tensor,
  { blocks, cached, headDim, ...layout }: TreeLayout,
): KeysAndValues & { context: Tensor } {
  const N = heads.shape[0];
  const { Q, K: keys, V: values } = attentionInputs(reshape(heads, [1, N, -1, headDim]), layout);
  const parts = blocks.map((block) => attend(Q, { keys, values }, block, cached));
  return { context: reshape(ungroupQueries(concat(parts, 3)), [N, -1]), keys, values };
}

/** Of queries [1, KV, G, N, hd] those of a block attend: [1, KV, G, n, hd]. */
function attend(Q: Tensor, tree: KeysAndValues, block: TreeBlock, cached?: KeysAndValues): Tensor {
  return tf.tidy(() => {
    const [, KV, G, , headDim] = Q.shape as number[];
    const { begin, end, first, spans } = block;
    const seen = (own: Tensor, before?: Tensor) => {
      const part = slice(own, [0, 0, first, 0], [-1, -1, end - first, -1]);
      return before ? concat([before, part], 2) : part;
    };
    const q = reshape(slice(Q, [0, 0, 0, begin, 0], [-1, -1, -1, end - begin, -1]), [1, KV!, -1, headDim!]);
    const scores = batchMatMul(q, seen(tree.keys, cached?.keys), { transposeB: true }); // [1, KV, G n, W]
    const context = batchMatMul(spanSoftmax(scores, spans), seen(tree.values, cached?.values));
    return reshape(context, [1, KV!, G!, -1, headDim!]);
  });
}

/** Softmax over the columns a query sees, 0 elsewhere: scores [..., G n, W] and spans int32 [n, 2 S]. */
function spanSoftmax(scores: Tensor, spans: Tensor): Tensor {
  const T = dtypeOf(scores);
  if (hasFusedKernels()) return rawOp('RedistillSpanSoftmax', [scores, spans], { T });
  return tf.tidy(() => {
    const [n, ends] = spans.shape as [number, number];
    const W = scores.shape.at(-1)!;
    const edges = reshape(spans, [n, ends / 2, 2, 1]);
    const columns = tf.range(0, W, 1, 'int32');
    const edge = (which: number) => slice(edges, [0, 0, which, 0], [-1, -1, 1, -1]);
    const seen = tf.any(tf.logicalAnd(columns.greaterEqual(edge(0)), columns.less(edge(1))), [1, 2]); // [n, W]
    const mask = cast(tf.sub(1, tf.cast(seen, 'float32')).mul(MASKED), T);
    const masked = rawOp('AddV2', [reshape(scores, [-1, n, W]), mask], { T });
    return softmax(reshape(masked, scores.shape));
  });
}
