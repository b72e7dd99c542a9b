// The order of training: which samples make up each optimizer step, and how a step is cut into micro-batches.
// All of it is a function of the seed and the samples, so a resumed run walks the very same steps.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import { batchesByLength, packedBatches } from '../mix/batches.ts';
import { cutBySize } from '../mix/cutBySize.ts';
import type { Sample } from '../mix/tokensArrow.ts';

/** Samples of one optimizer step, as micro-batches. */
export type StepBatch = Sample[][];

interface StepSizes {
  seed: number;
  batchTokens: number;
  microBatchTokens: number;
  packing?: 'on' | 'off';
}

/**
 * The steps of one epoch: samples shuffled, cut into steps of about `batchTokens`, each step into micro-batches whose
 * size, without packing that with padding, stays within `microBatchTokens` (a longer sample stands alone).
 */
export function epochSteps(
  samples: readonly Sample[],
  { seed, epoch, batchTokens, microBatchTokens, packing = 'on' }: StepSizes & { epoch: number },
): StepBatch[] {
  const order = shuffled(samples, seed + 1_000_003 * epoch);
  const steps = cutBySize(order, { size: batchTokens, sizeOf: ({ tokenIds }) => tokenIds.length });
  const cut = packing === 'on' ? packedBatches : batchesByLength;
  return steps.map((step) => cut(step, microBatchTokens));
}

/** Fisher-Yates with a seeded generator; the input stays as it is. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = mersenne(seed); // mixes small seeds well from the first draw on
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
