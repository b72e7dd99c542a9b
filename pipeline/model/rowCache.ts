// Sequences that are continued token by token, several rows at once: what they have computed so far, as rows of one
// length that rows join and leave. It takes 2 C KV hd values a row and layer, C being the longest row and some room.
import { cast, concat, gatherRows, reshape, slice, transpose } from '../engine/layoutOps.ts';
import { dtypeOf, int32, upload } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { decoderLayer, embed, finalNorm, type Decoder } from './decoder.ts';
import { treeStates } from './treeDecoder.ts';
import { tokenTree } from './tokenTree.ts';
import { rotaryTablesAt } from './rotaryEmbedding.ts';
import { stepAttention, type LayerRows } from './stepAttention.ts';

/** Rows of cached tokens; free it with `disposeRowCache`. */
export interface RowCache {
  /** How many tokens each row has cached. */
  lengths: number[];
  layers: LayerRows[];
}

/**
 * Reads prompts, what they begin with in common only once.
 * @param prompts in lexicographic order
 * @returns their rows, and the states after the last token of each, [B, D]
 */
export function prefill(
  decoder: Decoder,
  prompts: readonly Int32Array[],
): { cache: RowCache; states: Tensor } {
  const tree = tokenTree(prompts);
  const layers: LayerRows[] = [];
  const states = tf.tidy(() => {
    const places = placeTable(tree.places);
    const rows = (own: Tensor) => tf.keep(rowsOfTree(own, places));
    const all = treeStates(decoder, tree, {
      onLayer: ({ keys, values }) => layers.push({ keys: rows(keys), values: rows(values) }),
    });
    return gatherRows(all, int32(tree.places.map((row) => row.at(-1)!)));
  });
  return { cache: { lengths: prompts.map(({ length }) => length), layers }, states };
}

/** Where the tokens of each row lie, [B, longest]; what lies behind the end of a row is never looked at. */
function placeTable(places: readonly Int32Array[]): Tensor {
  const C = Math.max(...places.map(({ length }) => length));
  const table = new Int32Array(places.length * C);
  places.forEach((row, b) => table.set(row, b * C));
  return upload(table, [places.length, C]);
}

/** Keys or values of a tree, [1, KV, N, hd], as rows [B, KV, C, hd]. */
function rowsOfTree(own: Tensor, places: Tensor): Tensor {
  const [, KV, N, headDim] = own.shape as number[];
  const tokens = transpose(reshape(own, [KV!, N!, headDim!]), [1, 0, 2]);
  return tf.tidy(() => transpose(gatherRows(tokens, places), [0, 2, 1, 3]));
}

/**
 * Reads one more token in each row.
 * @returns the states after them, [B, D]
 */
export function step(decoder: Decoder, ids: ArrayLike<number>, cache: RowCache): Tensor {
  const states = tf.tidy(() => {
    const { numAttentionHeads: queryHeads, headDim } = decoder.config;
    const rotary = rotaryTablesAt(cache.lengths, decoder.config);
    const lengths = int32(cache.lengths);
    let x = embed(decoder, Int32Array.from(ids));
    decoder.layers.forEach((layer, i) => {
      const options = { queryHeads, headDim, rotary, lengths };
      const attention = (heads: Tensor) => stepAttention(heads, { ...options, cache: cache.layers[i]! });
      const next = tf.tidy(() => decoderLayer(x, layer, decoder, { attention }));
      x.dispose();
      x = next;
    });
    return finalNorm(x, decoder);
  });
  cache.lengths = cache.lengths.map((length) => length + 1);
  return states;
}

/** How many tokens a row can have. */
export function capacityOf({ layers }: RowCache): number {
  return layers[0]?.keys.shape[2] ?? 0;
}

/** Some rows of several caches in one with room for `room` more tokens each; those given are freed. */
export function joinRows(
  parts: readonly { cache: RowCache; rows: readonly number[] }[],
  room: number,
): RowCache {
  const lengths = parts.flatMap(({ cache, rows }) => rows.map((row) => cache.lengths[row]!));
  const capacity = Math.max(...lengths) + room;
  const join = (layer: number, side: keyof LayerRows) => {
    const tensors = parts.map(({ cache, rows }) => ({ all: cache.layers[layer]![side], rows }));
    const joined = tf.tidy(() =>
      concat(
        tensors
          .filter(({ rows }) => rows.length > 0)
          .map(({ all, rows }) => resized(gatherRows(all, int32(rows)), capacity)),
        0,
      ),
    );
    tf.dispose(tensors.map(({ all }) => all));
    return tf.keep(joined);
  };
  const layers = parts[0]!.cache.layers.map((_, i) => ({ keys: join(i, 'keys'), values: join(i, 'values') }));
  return { lengths, layers };
}

export function disposeRowCache({ layers }: RowCache): void {
  tf.dispose(layers.map(({ keys, values }) => [keys, values]));
}

/** Cut or filled up with zeros to `capacity` tokens a row. */
function resized(rows: Tensor, capacity: number): Tensor {
  const [B, KV, C, headDim] = rows.shape as number[];
  if (capacity <= C!) return slice(rows, [0, 0, 0, 0], [-1, -1, capacity, -1]);
  const more = cast(tf.zeros([B!, KV!, capacity - C!, headDim!]), dtypeOf(rows));
  return concat([rows, more], 2);
}
