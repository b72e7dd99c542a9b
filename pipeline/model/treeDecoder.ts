// The decoder over a tree of sequences, and the keys and values it leaves for sequences that go on from there.
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { concat } from '../engine/layoutOps.ts';
import { decoderLayer, embed, finalNorm, type Decoder } from './decoder.ts';
import { treeAttention, treeBlocks, type KeysAndValues } from './treeAttention.ts';
import type { TokenTree } from './tokenTree.ts';
import { rotaryTablesAt } from './rotaryEmbedding.ts';

/** Keys and values of tokens in every layer. */
export interface TokenCache {
  length: number;
  layers: KeysAndValues[];
}

export const NO_TOKENS: TokenCache = { length: 0, layers: [] };

/**
 * All layers and the final norm.
 * @param cached what all sequences of the tree begin with
 * @param onLayer is given the tree's keys and values in each layer, to `tf.keep` or to read before it returns
 * @returns [N, D] as the head reads it
 */
export function treeStates(
  decoder: Decoder,
  tree: TokenTree,
  {
    cached = NO_TOKENS,
    onLayer = () => undefined,
  }: { cached?: TokenCache; onLayer?: (own: KeysAndValues, layer: number) => void } = {},
): Tensor {
  return tf.tidy(() => {
    const { numAttentionHeads: queryHeads, headDim } = decoder.config;
    const rotary = rotaryTablesAt(tree.positions, decoder.config);
    const blocks = treeBlocks(tree, { cached: cached.length });
    let x = embed(decoder, tree.ids);
    decoder.layers.forEach((layer, i) => {
      const attention = (heads: Tensor) => {
        const options = { queryHeads, headDim, rotary, blocks };
        const { context, ...own } = treeAttention(heads, { ...options, cached: cached.layers[i] });
        onLayer(own, i);
        return context;
      };
      const next = tf.tidy(() => decoderLayer(x, layer, decoder, { attention }));
      x.dispose();
      x = next;
    });
    return finalNorm(x, decoder);
  });
}

/** The cache of what is cached and then the one sequence of `tree`; free it with `disposeTokenCache`. */
export function extendTokenCache(
  decoder: Decoder,
  tree: TokenTree,
  cached: TokenCache = NO_TOKENS,
): TokenCache {
  const layers: KeysAndValues[] = [];
  const joined = (before: Tensor | undefined, own: Tensor) =>
    tf.keep(concat(before ? [before, own] : [own], 2));
  const onLayer = ({ keys, values }: KeysAndValues, i: number) => {
    const before = cached.layers[i];
    layers.push({ keys: joined(before?.keys, keys), values: joined(before?.values, values) });
  };
  treeStates(decoder, tree, { cached, onLayer }).dispose();
  return { length: cached.length + tree.ids.length, layers };
}

export function disposeTokenCache({ layers }: TokenCache): void {
  tf.dispose(layers.map(({ keys, values }) => [keys, values]));
}
