// The line that a training prints a step: figures, pace, time left, and the share of the machine's matmul rate that goes
// into useful products. Useful are those of tokens with the weights, 2 FLOP a weight and token forward and twice that
// backward; attention, padding and anything computed again are not counted. The rate is the best of several tries, spread
// over the first steps: what else the machine does only ever makes it look slower.
import { matmulRate } from '../engine/matmulRate.ts';
import { decoderShapes } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import type { HeldOutMetrics, StepMetrics } from './metrics.ts';

/** Steps after which the machine is measured once more, a fraction of a second each time. */
const MEASURED_STEPS = 5;

/** Starts the clock. @returns the line of a step that took `seconds` */
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
  const rates = [matmulRate({ dtype, repetitions: 3 })];
  const pace = progressMeter({ unit: 'tokens', total: tokensLeft });
  return (metrics, seconds) => {
    if (rates.length <= MEASURED_STEPS) rates.push(matmulRate({ dtype, repetitions: 1 }));
    const share = stepFlops(metrics, model) / seconds / (1e9 * Math.max(...rates));
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
