// Samples as a model reads them: grouped by length and padded to one matrix, or packed into one row without padding,
// and where in it the targets are predicted.
import type { Sample } from './tokensArrow.ts';

/** Groups samples by length so that B times the longest stays within `maxTokens` (a longer sample stands alone). */
export function batchesByLength(samples: readonly Sample[], maxTokens: number): Sample[][] {
  const batches: Sample[][] = [];
  for (const sample of longestFirst(samples)) {
    const last = batches.at(-1);
    if (last && (last.length + 1) * last[0]!.tokenIds.length <= maxTokens) last.push(sample);
    else batches.push([sample]);
  }
  return batches;
}

/**
 * Cuts samples into as few batches of at most `maxTokens` as will do, and these as evenly as the longest-first rule
 * does (a longer sample stands alone). Each batch has its longest sample first.
 */
export function packedBatches(samples: readonly Sample[], maxTokens: number): Sample[][] {
  const byLength = longestFirst(samples);
  const alone = byLength.filter(({ tokenIds }) => tokenIds.length > maxTokens);
  const others = byLength.slice(alone.length);
  for (let count = Math.ceil(tokenCount(others) / maxTokens); ; count++) {
    const batches = dealtEvenly(others, count);
    if (batches.every((batch) => tokenCount(batch) <= maxTokens))
      return [...alone.map((sample) => [sample]), ...batches];
  }
}

/** Each sample in turn to the batch that has the fewest tokens. */
function dealtEvenly(samples: readonly Sample[], count: number): Sample[][] {
  const batches = Array.from({ length: count }, () => ({ samples: [] as Sample[], tokens: 0 }));
  for (const sample of samples) {
    const emptiest = batches.reduce((least, batch) => (batch.tokens < least.tokens ? batch : least));
    emptiest.samples.push(sample);
    emptiest.tokens += sample.tokenIds.length;
  }
  return batches.map(({ samples }) => samples);
}

function longestFirst(samples: readonly Sample[]): Sample[] {
  return [...samples].sort((a, b) => b.tokenIds.length - a.tokenIds.length || (a.id < b.id ? -1 : 1));
}

/** A batch as one matrix of token ids. */
export interface TokenBatch {
  ids: Int32Array; // [B, T], padded on the right with 0, which causal attention never looks at
  B: number;
  T: number;
  /** Rows of the hidden states [B T, D] that predict the targets, sample after sample. */
  rows: Int32Array;
  /** Of a packed batch, whose B is 1: of its samples, which follow each other. */
  lengths?: number[];
}

/** Lays samples one after the other, without padding. */
export function packedBatch(samples: readonly Sample[]): TokenBatch {
  const lengths = samples.map(({ tokenIds }) => tokenIds.length);
  const ids = new Int32Array(tokenCount(samples));
  const rows: number[] = [];
  let begin = 0;
  for (const sample of samples) {
    ids.set(sample.tokenIds, begin);
    for (const j of targetPositions(sample)) rows.push(begin + j - 1);
    begin += sample.tokenIds.length;
  }
  return { ids, B: 1, T: ids.length, rows: Int32Array.from(rows), lengths };
}

/** Lays samples side by side; T is the longest of them. */
export function paddedBatch(samples: readonly Sample[]): TokenBatch {
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
