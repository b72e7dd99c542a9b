// Sources weighed against each other. A position's loss counts w of its sample's source, and the step's sum is divided
// once by Σ w over all its positions: weights shift what a step learns from, not how large its update is.
import { nearest } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { lossPositions } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';

/** By the source's name; 1 for those not named. */
export type SourceWeights = Readonly<Record<string, number>>;

/** @throws UserError when a weight is for a source that no sample comes from. */
export function checkSourceWeights(weights: SourceWeights, samples: readonly Sample[]): void {
  const known = [...new Set(samples.map(({ source }) => source))].sort();
  const unknown = Object.keys(weights).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  throw new UserError({
    file: 'train.yaml',
    field: `source_weights.${unknown}`,
    problem: `no sample of the mix comes from it; its sources are ${known.join(', ')}`,
    ...(near && { remedy: `did you mean "${near}"?` }),
  });
}

/** The weight of each loss position of a batch, sample after sample: [n, 1] float32. */
export function positionWeights(batch: readonly Sample[], weights: SourceWeights): Tensor {
  const values = batch.flatMap((sample) =>
    Array<number>(lossPositions([sample])).fill(weights[sample.source] ?? 1),
  );
  return tf.tensor2d(values, [values.length, 1]);
}

/** Σ w over all loss positions of the samples. */
export function totalWeight(samples: readonly Sample[], weights: SourceWeights): number {
  return samples.reduce((sum, sample) => sum + lossPositions([sample]) * (weights[sample.source] ?? 1), 0);
}
