// How many of the most probable tokens a position keeps: the fewest whose probability reaches `mass`, within bounds, and
// none less probable than `minProbability`. (Of all ways to spend a mean number of tokens, that floor leaves least
// unknown: over the mass alone it saves a third of the tokens at the same loss. test/bench/cacheSizes.ts measures it.)
// Everything is computed in float64 from the exact logits; rounding happens only when a shard is written.
import type { SampleLogits } from './shardColumns.ts';
import type { TopTokens } from './topTokens.ts';

export interface KeepOptions {
  mass: number;
  minK: number;
  /** Less probable tokens are not kept, but for the first `minK`. */
  minProbability?: number;
}

/** What one position keeps. */
export interface KeptTokens {
  k: number;
  ids: Int32Array; // [k]
  logits: Float32Array; // [k]
  /** One for each temperature: of logits / T, and the log of the probability outside (-Infinity for none). */
  atTemperature: { logSumExp: number; logTailMass: number }[];
}

/**
 * @param row of `top` whose temperatures are `temperatures`, the first being 1
 * @returns undefined when a logit of the row is NaN or infinite
 */
export function keptTokens(
  top: TopTokens,
  row: number,
  temperatures: readonly number[],
  { mass, minK, minProbability = 0 }: KeepOptions,
): KeptTokens | undefined {
  const logits = top.logits.subarray(row * top.K, (row + 1) * top.K);
  const at = top.atTemperature.map(({ firstProbability, outside }, t) => {
    const T = temperatures[t]!;
    const logSumExp = logits[0]! / T - Math.log(firstProbability[row]!);
    return { logSumExp, tails: tailMasses(logits, { T, logSumExp, outside: outside[row]! }) };
  });
  if (!at.every(({ logSumExp, tails }) => Number.isFinite(logSumExp) && Number.isFinite(tails[0])))
    return undefined;
  const k = fewest(at[0]!.tails, { mass, minK: Math.min(minK, top.K), minProbability });
  return {
    k,
    ids: top.ids.subarray(row * top.K, row * top.K + k),
    logits: logits.subarray(0, k),
    atTemperature: at.map(({ logSumExp, tails }) => ({ logSumExp, logTailMass: Math.log(tails[k]!) })),
  };
}

/** The probability outside the first k tokens for k = 0 .. K, summed from the smallest up. */
function tailMasses(
  logits: Float32Array,
  { T, logSumExp, outside }: { T: number; logSumExp: number; outside: number },
): Float64Array {
  const tails = new Float64Array(logits.length + 1);
  tails[logits.length] = outside;
  for (let i = logits.length - 1; i >= 0; i--)
    tails[i] = tails[i + 1]! + Math.exp(logits[i]! / T - logSumExp);
  return tails;
}

/** The next token's probability is what the tail loses with it. */
function fewest(tails: Float64Array, { mass, minK, minProbability }: Required<KeepOptions>): number {
  let k = minK;
  while (k < tails.length - 1 && tails[k]! > 1 - mass && tails[k]! - tails[k + 1]! >= minProbability) k++;
  return k;
}

/** Puts the positions of a sample together, in order. */
export function joinPositions(
  id: string,
  positions: readonly KeptTokens[],
  temperatures: number,
): SampleLogits {
  const counts = Uint16Array.from(positions, ({ k }) => k);
  const size = counts.reduce((sum, k) => sum + k, 0);
  const [ids, logProbs] = [new Int32Array(size), new Float32Array(size)];
  let end = 0;
  for (const kept of positions) {
    const { logSumExp } = kept.atTemperature[0]!;
    ids.set(kept.ids, end);
    for (let i = 0; i < kept.k; i++) logProbs[end + i] = kept.logits[i]! - logSumExp;
    end += kept.k;
  }
  const atTemperature = Array.from({ length: temperatures }, (_, t) => ({
    logSumExp: Float32Array.from(positions, (kept) => kept.atTemperature[t]!.logSumExp),
    logTailMass: Float32Array.from(positions, (kept) => kept.atTemperature[t]!.logTailMass),
  }));
  return { id, counts, ids, logProbs, atTemperature };
}
