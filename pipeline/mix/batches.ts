// Samples as a model reads them: grouped by length, padded to one matrix, and where in it the targets are predicted.
import type { Sample } from './tokensArrow.ts';

/** Groups samples by length so that B times the longest stays within `maxTokens` (a longer sample stands alone). */
export function batchesByLength(samples: readonly Sample[], maxTokens: number): Sample[][] {
  const batches: Sample[][] = [];
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

/** A batch as one matrix. */
export interface PaddedBatch {
  ids: Int32Array; // [B, T], padded on the right with 0, which causal attention never looks at
  B: number;
  T: number;
  /** Rows of the hidden states [B T, D] that predict the targets, sample after sample. */
  rows: Int32Array;
}

/** Lays samples side by side; T is the longest of them. */
export function paddedBatch(samples: readonly Sample[]): PaddedBatch {
  const B = samples.length;
  const T = Math.max(...samples.map(({ tokenIds }) => tokenIds.length));
  const ids = new Int32Array(B * T);
  samples.forEach(({ tokenIds }, b) => ids.set(tokenIds, b * T));
  const rows = samples.flatMap((sample, b) => targetPositions(sample).map((j) => b * T + j - 1));
  return { ids, B, T, rows: Int32Array.from(rows) };
}

/** The positions whose token is a target: every j >= 1 with loss mask 1; it is predicted from position j - 1. */
export function targetPositions({ lossMask }: Pick<Sample, 'lossMask'>): number[] {
  const positions: number[] = [];
  for (let j = 1; j < lossMask.length; j++) if (lossMask[j]) positions.push(j);
  return positions;
}

/** Whether any token of the sample is a target. */
export function hasTargets({ lossMask }: Pick<Sample, 'lossMask'>): boolean {
  return lossMask.includes(1, 1);
}

/** How many targets the samples have together. */
export function lossPositions(samples: readonly Sample[]): number {
  return samples.reduce((sum, sample) => sum + targetPositions(sample).length, 0);
}

/** How many tokens the samples have together. */
export function tokenCount(samples: readonly Sample[]): number {
  return samples.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
}
