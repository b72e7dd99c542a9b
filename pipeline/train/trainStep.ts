// One optimizer step: gradients of all its micro-batches added up, then one update. Without a finite loss and gradient
// there is none, and the samples that may be to blame are named: those of the micro-batches whose loss is not finite,
// or all of the step if only the gradient is not.
import { fingerprint } from '../artifact/fingerprint.ts';
import { tf } from '../engine/tensorflow.ts';
import type { LogitsReader } from '../logits/logitsCache.ts';
import { lossPositions, tokenCount } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { StepBatch } from './epochSteps.ts';
import { headBlockOf, type LossSums } from './headLoss.ts';
import type { StepMetrics } from './metrics.ts';
import { learningRateAt, type Schedule } from './schedule.ts';
import { totalWeight } from './sourceWeights.ts';
import { accumulateGradients, applyUpdate, forgetGradients, type Student } from './student.ts';
import { lossOf, type TrainConfig } from './trainConfig.ts';
import { trainingBatch } from './trainingBatch.ts';

/** One optimizer step: the loss is the mean over all loss positions of all its micro-batches, weighted by source. */
export async function trainStep(
  { config, student, cache }: { config: TrainConfig; student: Student; cache: LogitsReader },
  batches: StepBatch,
  at: { step: number; totalSteps: number },
): Promise<StepMetrics> {
  const loss = lossOf(config);
  const total = totalWeight(batches.flat(), config.source_weights);
  const suspects: string[] = [];
  let [divergence, crossEntropy] = [0, 0];
  for (const [i, micro] of batches.entries()) {
    const batch = await trainingBatch(micro, cache, config);
    const sums = accumulateGradients(student, batch, {
      loss,
      scale: 1 / total,
      headBlock: headBlockOf(config.head_block, student.decoder.config),
      recompute: config.recompute,
      dropoutSeed: dropoutSeed(config.seed, at.step, i),
    });
    tf.dispose(Object.values(batch.targets));
    divergence += sums.divergence / total;
    crossEntropy += sums.crossEntropy / total;
    if (!Number.isFinite(weighted(sums, config))) suspects.push(...idsOf(micro));
  }
  const learningRate = learningRateAt(at.step, scheduleOf(config, at.totalSteps));
  let gradientNorm = NaN;
  if (suspects.length > 0) forgetGradients(student);
  else gradientNorm = applyUpdate(student, { ...adamOptions(config), learningRate, step: at.step });
  const isSkipped = !Number.isFinite(gradientNorm);
  return {
    step: at.step,
    loss: weighted({ divergence, crossEntropy }, config),
    divergence,
    cross_entropy: crossEntropy,
    learning_rate: learningRate,
    gradient_norm: gradientNorm,
    tokens: tokenCount(batches.flat()),
    loss_positions: lossPositions(batches.flat()),
    ...(isSkipped && { skipped: suspects.length > 0 ? suspects : idsOf(batches.flat()) }),
  };
}

/** The loss of its terms; one that is only watched may be infinite, as a cross-entropy that clipping keeps the divergence from. */
function weighted(
  { divergence, crossEntropy }: LossSums,
  { divergence_weight, cross_entropy_weight }: TrainConfig,
): number {
  const term = (weight: number, value: number) => (weight === 0 ? 0 : weight * value);
  return term(divergence_weight, divergence) + term(cross_entropy_weight, crossEntropy);
}

/** An int32 for each micro-batch of a run: a run that is resumed drops what the uninterrupted one does. */
function dropoutSeed(seed: number, step: number, microBatch: number): number {
  return Buffer.from(fingerprint([seed, step, microBatch]), 'hex').readInt32LE();
}

function idsOf(samples: readonly Sample[]): string[] {
  return samples.map(({ id }) => id);
}

function scheduleOf(config: TrainConfig, totalSteps: number): Schedule {
  const { schedule, learning_rate: learningRate, final_ratio: finalRatio } = config;
  return {
    schedule,
    learningRate,
    finalRatio,
    totalSteps,
    warmupSteps: Math.round(config.warmup_ratio * totalSteps),
  };
}

function adamOptions({ beta1, beta2, epsilon, weight_decay, max_grad_norm, seed }: TrainConfig) {
  return { beta1, beta2, epsilon, weightDecay: weight_decay, maxGradNorm: max_grad_norm, seed };
}
