// The work of each stage in FLOP, 2 for a weight and token in each direction:
//   forward  F = 2 (W t + V D p) + 2 A Σ len²   with W weights of the layers' matrices, t tokens, p positions at the head,
//                                                A = layers · heads · head size: attention sees half of len² a sample
//   training   = 3 F (a backward pass is two products for each of the forward's), and with `recompute` the layers once more
// Norms, softmax and the like are not counted, as in the rates that these are divided by.
import { decoderShapes } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import type { MixSize, SourceSize } from './mixSize.ts';

/** Text that goes through a model. */
export interface Text {
  tokens: number;
  /** Positions that go through the head. */
  positions: number;
  /** Σ len² over its samples. */
  squares: number;
}

/** Elements of the matrices of all layers, of the head, and of all that is not multiplied with. */
export function weightsOf(config: ModelConfig): { layers: number; head: number } {
  const matrices = [...decoderShapes(config)].filter(
    ([name, shape]) => name.includes('.layers.') && shape.length === 2,
  );
  const layers = matrices.reduce((sum, [, [out, columns]]) => sum + out! * columns!, 0);
  return { layers, head: config.vocabSize * config.hiddenSize };
}

export function forwardFlops(config: ModelConfig, text: Text): number {
  return layerFlops(config, text) + 2 * weightsOf(config).head * text.positions;
}

export function trainingFlops(
  config: ModelConfig,
  text: Text,
  { epochs, recompute }: { epochs: number; recompute: boolean },
): number {
  const again = recompute ? layerFlops(config, text) : 0;
  return epochs * (3 * forwardFlops(config, text) + again);
}

/** All of a mix, or the part of it that `share` says. */
export function textOf({ sources }: Pick<MixSize, 'sources'>, share = 1): Text {
  const sizes = Object.values(sources);
  const sum = (of: (size: SourceSize) => number) =>
    share * sizes.reduce((total, size) => total + of(size), 0);
  return {
    tokens: sum(({ tokens }) => tokens),
    positions: sum(({ targetTokens }) => targetTokens),
    squares: sum(({ tokens, samples }) => (samples === 0 ? 0 : tokens ** 2 / samples)),
  };
}

function layerFlops(config: ModelConfig, { tokens, squares }: Text): number {
  const { numHiddenLayers, numAttentionHeads, headDim } = config;
  const attention = numHiddenLayers * numAttentionHeads * headDim;
  return 2 * weightsOf(config).layers * tokens + 2 * attention * squares;
}
