// The line that a training prints a step: figures, pace, time left, and the share of the machine's matmul rate that goes
// into useful products. Useful are those of tokens with the weights, 2 FLOP a weight and token forward and twice that
// backward; attention, padding and anything computed again are not counted.
import { matmulRate } from '../engine/matmulRate.ts';
import { decoderShapes } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import type { HeldOutMetrics, StepMetrics } from './metrics.ts';

/** Starts the clock; the machine is measured once, a second or less. @returns the line of a step that took `seconds` */
export function progressLine({
  totalSteps,
  tokensLeft,
  model,
  dtype,
}: {
  totalSteps: number;
  tokensLeft: number;
  model: ModelConfig;
  dtype: 'float32' | 'bfloat16';
}): (metrics: StepMetrics, seconds: number) => string {
  const attainable = 1e9 * matmulRate({ dtype, repetitions: 3 });
  const pace = progressMeter({ unit: 'tokens', total: tokensLeft });
  return (metrics, seconds) => {
    const share = stepFlops(metrics, model) / seconds / attainable;
    return [
      `step ${metrics.step}/${totalSteps}`,
      `loss ${metrics.loss.toFixed(4)}`,
      `kl ${metrics.divergence.toFixed(4)}`,
      `ce ${metrics.cross_entropy.toFixed(4)}`,
      `lr ${metrics.learning_rate.toExponential(2)}`,
      `norm ${metrics.gradient_norm.toFixed(2)}`,
      `${(100 * share).toFixed(0)} % of the matmul rate`,
      pace(metrics.tokens),
    ].join('  ');
  };
}

/** The line of an evaluation. */
export function evaluationLine({ step, held_out: { kl, cross_entropy, agreement } }: HeldOutMetrics): string {
  const figures = `kl ${kl.toFixed(4)}  ce ${cross_entropy.toFixed(4)}  agreement ${(100 * agreement).toFixed(1)} %`;
  return `held-out samples after step ${step}  ${figures}`;
}

/** FLOP of the products of a step's tokens with the matrices of the layers, and of its loss positions with the head. */
export function stepFlops(
  { tokens, loss_positions }: Pick<StepMetrics, 'tokens' | 'loss_positions'>,
  model: ModelConfig,
): number {
  const matrices = [...decoderShapes(model)].filter(
    ([name, shape]) => name.includes('.layers.') && shape.length === 2,
  );
  const layers = matrices.reduce((sum, [, [out, columns]]) => sum + out! * columns!, 0);
  return 6 * (layers * tokens + model.vocabSize * model.hiddenSize * loss_positions);
}
