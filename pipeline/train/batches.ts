// The order of training: which samples make up each optimizer step, and how a step is cut into padded micro-batches.
// All of it is a function of the seed and the samples, so a resumed run walks the very same steps.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { Sample } from '../mix/tokensArrow.ts';

/** Samples of one forward pass, padded to the longest. */
export type MicroBatch = Sample[];

/** Samples of one optimizer step, as micro-batches. */
export type StepBatch = MicroBatch[];

/**
 * The steps of one epoch: samples shuffled, cut into steps of about `batchTokens`, each step into micro-batches of
 * similar length whose padded size stays within `microBatchTokens` (a longer sample stands alone).
 */
export function epochSteps(
  samples: readonly Sample[],
  {
    seed,
    epoch,
    batchTokens,
    microBatchTokens,
  }: { seed: number; epoch: number; batchTokens: number; microBatchTokens: number },
): StepBatch[] {
  const steps: Sample[][] = [];
  let tokens = Infinity;
  for (const sample of shuffled(samples, seed + 1_000_003 * epoch)) {
    if (tokens >= batchTokens) {
      steps.push([]);
      tokens = 0;
    }
    steps.at(-1)!.push(sample);
    tokens += sample.tokenIds.length;
  }
  return steps.map((step) => microBatches(step, microBatchTokens));
}

/** Groups samples by length so that B times the longest stays within `maxTokens`. */
export function microBatches(samples: readonly Sample[], maxTokens: number): MicroBatch[] {
  const batches: MicroBatch[] = [];
  const byLength = [...samples].sort(
    (a, b) => b.tokenIds.length - a.tokenIds.length || (a.id < b.id ? -1 : 1),
  );
  for (const sample of byLength) {
    const last = batches.at(-1);
    if (last && (last.length + 1) * last[0]!.tokenIds.length <= maxTokens) last.push(sample);
    else batches.push([sample]);
  }
  return batches;
}

/** Token ids [B, T] padded on the right with 0, which causal attention never looks at. */
export function padTokens(batch: MicroBatch): { ids: Int32Array; B: number; T: number } {
  const B = batch.length;
  const T = Math.max(...batch.map(({ tokenIds }) => tokenIds.length));
  const ids = new Int32Array(B * T);
  batch.forEach(({ tokenIds }, b) => ids.set(tokenIds, b * T));
  return { ids, B, T };
}

/** The positions whose token is a target: every j >= 1 with loss mask 1; it is predicted from position j - 1. */
export function targetPositions({ lossMask }: Pick<Sample, 'lossMask'>): number[] {
  const positions: number[] = [];
  for (let j = 1; j < lossMask.length; j++) if (lossMask[j]) positions.push(j);
  return positions;
}

/** Fisher-Yates with a seeded generator; the input stays as it is. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = xoroshiro128plus(seed);
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
