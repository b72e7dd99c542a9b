// One optimizer step: gradients of all its micro-batches added up, then one update.
import { fingerprint } from '../artifact/fingerprint.ts';
import { tf } from '../engine/tensorflow.ts';
import type { LogitsReader } from '../logits/logitsCache.ts';
import { lossPositions, tokenCount } from '../mix/batches.ts';
import type { StepBatch } from './epochSteps.ts';
import type { StepMetrics } from './metrics.ts';
import { learningRateAt, type Schedule } from './schedule.ts';
import { accumulateGradients, applyUpdate, type Student } from './student.ts';
import { lossOf, type TrainConfig } from './trainConfig.ts';
import { trainingBatch } from './trainingBatch.ts';

/** One optimizer step: the loss is the mean over all loss positions of all its micro-batches. */
export async function trainStep(
  { config, student, cache }: { config: TrainConfig; student: Student; cache: LogitsReader },
  batches: StepBatch,
  at: { step: number; totalSteps: number },
): Promise<StepMetrics> {
  const loss = lossOf(config);
  const positions = lossPositions(batches.flat());
  let [divergence, crossEntropy] = [0, 0];
  for (const [i, micro] of batches.entries()) {
    const batch = await trainingBatch(micro, cache, config);
    const sums = accumulateGradients(student, batch, {
      loss,
      scale: 1 / positions,
      headBlock: config.head_block,
      recompute: config.recompute,
      dropoutSeed: dropoutSeed(config.seed, at.step, i),
    });
    tf.dispose(Object.values(batch.targets));
    divergence += sums.divergence / positions;
    crossEntropy += sums.crossEntropy / positions;
  }
  const learningRate = learningRateAt(at.step, scheduleOf(config, at.totalSteps));
  const gradientNorm = applyUpdate(student, { ...adamOptions(config), learningRate, step: at.step });
  return {
    step: at.step,
    loss: divergence + config.cross_entropy_weight * crossEntropy,
    divergence,
    cross_entropy: crossEntropy,
    learning_rate: learningRate,
    gradient_norm: gradientNorm,
    tokens: tokenCount(batches.flat()),
    loss_positions: positions,
  };
}

/** An int32 for each micro-batch of a run: a run that is resumed drops what the uninterrupted one does. */
function dropoutSeed(seed: number, step: number, microBatch: number): number {
  return Buffer.from(fingerprint([seed, step, microBatch]), 'hex').readInt32LE();
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

function adamOptions({ beta1, beta2, epsilon, weight_decay, max_grad_norm }: TrainConfig) {
  return { beta1, beta2, epsilon, weightDecay: weight_decay, maxGradNorm: max_grad_norm };
}
