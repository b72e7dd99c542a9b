// How many tokens a forward batch may have for `batch_tokens: auto`: as many as half of the free memory holds. Speed
// rises little beyond a few thousand tokens, while padding and memory go on rising, so there is a most.
import { deviceMemory } from '../engine/deviceMemory.ts';
import { engineInfo } from '../engine/rawOp.ts';
import { QUERY_BLOCK } from '../model/causalAttention.ts';
import type { ModelConfig } from '../model/modelConfig.ts';

const LEAST = 1024;
const MOST = 16_384;

/**
 * The number given, or the power of two that fits into memory.
 * @param free bytes that may be used; the system is asked by default
 */
export async function batchTokensOf(
  batchTokens: number | 'auto',
  config: ModelConfig,
  { free = freeMemory }: { free?: () => Promise<number> } = {},
): Promise<number> {
  if (batchTokens !== 'auto') return batchTokens;
  const fitting = (await free()) / 2 / bytesPerToken(config);
  return Math.min(MOST, Math.max(LEAST, 2 ** Math.floor(Math.log2(fitting))));
}

/**
 * Bytes of activations a token of a batch at the widest point of a layer in bfloat16: three states of the residual
 * stream in float32, the heads as projected and as split, scores and probabilities of a block of queries for each
 * head, and gate, up and their product.
 */
export function bytesPerToken(config: ModelConfig): number {
  const { hiddenSize: D, intermediateSize: F, numAttentionHeads: H, numKeyValueHeads: KV, headDim } = config;
  return 12 * D + 2 * 2 * (H + 2 * KV) * headDim + 2 * 2 * H * QUERY_BLOCK + 3 * 2 * F;
}

/** A GPU's memory TensorFlow takes all at once; the weights have the other half of it. */
async function freeMemory(): Promise<number> {
  return engineInfo().device === 'cpu' ? process.availableMemory() : (await deviceMemory()) / 2;
}
