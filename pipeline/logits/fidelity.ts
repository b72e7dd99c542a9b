// How far the cache is from the teacher it was made of: KL(live || cache) per position, the tokens not kept taken as
// one outcome on both sides. It shows what rounding, and another batch around a sequence, cost; what the single tokens
// of the tail would have said is not in it (see the tail mass for that).
import { gatherRows } from '../engine/layoutOps.ts';
import { download, int32, upload } from '../engine/rawOp.ts';
import { gatherPerRow } from '../engine/rowOps.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { tidyValue } from '../engine/tidyValue.ts';
import { paddedBatch } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { batchShape, hiddenStates, logitsOf, type Decoder } from '../model/decoder.ts';
import type { CachedSample, LogitsReader } from './logitsCache.ts';

export type Fidelity = {
  sequences: number;
  tokens: number;
  /** Mean over the tokens, in nats. */
  kl_live_cache: number;
};

/** Probability that float32 logits cannot tell from 0. */
const NOTHING = 1e-6;

/** Runs the teacher over `samples` once more, one by one, and compares. */
export async function cacheFidelity(
  decoder: Decoder,
  samples: readonly Sample[],
  cache: Pick<LogitsReader, 'read'>,
  { vocabularySize, headBlock }: { vocabularySize: number; headBlock: number },
): Promise<Fidelity> {
  let [tokens, sum] = [0, 0];
  for (const sample of samples) {
    const cached = await cache.read(sample.id);
    const live = liveLogProbs(decoder, sample, cached, { vocabularySize, headBlock });
    let start = 0;
    cached.counts.forEach((k, p) => {
      const kept = cached.logProbs.subarray(start, start + k);
      sum += divergenceFrom(live.subarray(start, start + k), { kept, logTailMass: cached.logTailMass[p]! });
      start += k;
    });
    tokens += cached.counts.length;
  }
  return { sequences: samples.length, tokens, kl_live_cache: tokens === 0 ? 0 : sum / tokens };
}

function divergenceFrom(
  live: Float32Array,
  { kept, logTailMass }: { kept: Float32Array; logTailMass: number },
): number {
  const cachedSum = kept.reduce((sum, logQ) => sum + Math.exp(logQ), Math.exp(logTailMass)); // 1, but for rounding
  let [kl, tail] = [Math.log(cachedSum), 1];
  live.forEach((logP, i) => {
    kl += Math.exp(logP) * (logP - kept[i]!);
    tail -= Math.exp(logP);
  });
  return tail > NOTHING ? kl + tail * (Math.log(tail) - logTailMass) : kl;
}

/** The live log-probabilities of the cached tokens, end to end as the cache has them. */
function liveLogProbs(
  decoder: Decoder,
  sample: Sample,
  { counts, ids }: CachedSample,
  { vocabularySize, headBlock }: { vocabularySize: number; headBlock: number },
): Float32Array {
  const { ids: tokens, rows, ...sizes } = paddedBatch([sample]);
  const result = new Float32Array(ids.length);
  tf.tidy(() => {
    const hidden = hiddenStates(decoder, tokens, batchShape(decoder, sizes));
    let start = 0;
    for (let row = 0; row < rows.length; row += headBlock) {
      const blockCounts = counts.subarray(row, row + headBlock);
      const block = rows.slice(row, row + headBlock);
      const logits = tf.tidy(() =>
        logitsOf(gatherRows(hidden, int32(block)), decoder).slice([0, 0], [-1, vocabularySize]),
      );
      const size = blockCounts.reduce((sum, k) => sum + k, 0);
      result.set(logProbsOf(logits, blockCounts, ids.subarray(start, start + size)), start);
      start += size;
      logits.dispose();
    }
  });
  return result;
}

/** Log-probabilities of `counts` tokens of each row: the rows' tokens lie end to end in `ids` and in the result. */
function logProbsOf(logits: Tensor, counts: Uint16Array, ids: Int32Array): Float32Array {
  const K = counts.reduce((most, k) => Math.max(most, k), 1);
  const padded = new Int32Array(counts.length * K);
  const places: number[] = [];
  let start = 0;
  counts.forEach((k, row) => {
    padded.set(ids.subarray(start, start + k), row * K);
    for (let i = 0; i < k; i++) places.push(row * K + i);
    start += k;
  });
  const all = tidyValue(() =>
    download(gatherPerRow(logits, upload(padded, [counts.length, K])).sub(tf.logSumExp(logits, 1, true))),
  );
  return Float32Array.from(places, (place) => all[place]!);
}
