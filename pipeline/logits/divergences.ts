// Divergences from a model's distributions, given as logits [n, V]: to what a cache has of them, and to another model's.
import { download, upload } from '../engine/rawOp.ts';
import { gatherPerRow } from '../engine/rowOps.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { tidyValue } from '../engine/tidyValue.ts';

/** What a cache has of one position. */
export interface CachedPosition {
  ids: Int32Array; // [k]
  logProbs: Float32Array; // [k]
  logTailMass: number;
}

/** Probability that float32 logits cannot tell from 0. */
const NOTHING = 1e-6;

/** KL(live || cache) of each row in nats; the tokens that the cache has not count as one outcome on both sides. */
export function divergencesFromCache(logits: Tensor, cached: readonly CachedPosition[]): number[] {
  const K = cached.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const ids = new Int32Array(cached.length * K);
  cached.forEach((position, row) => ids.set(position.ids, row * K));
  const live = tidyValue(() => {
    const logSumExp = tf.logSumExp(logits, 1, true);
    return download(gatherPerRow(logits, upload(ids, [cached.length, K])).sub(logSumExp)) as Float32Array;
  });
  return cached.map((position, row) =>
    divergenceFrom(live.subarray(row * K, row * K + position.ids.length), position),
  );
}

/** KL of one position from the log-probabilities that the model gives the cached tokens. */
export function divergenceFrom(
  live: Float32Array,
  { logProbs, logTailMass }: Omit<CachedPosition, 'ids'>,
): number {
  const cachedSum = logProbs.reduce((sum, logQ) => sum + Math.exp(logQ), Math.exp(logTailMass)); // 1, but for rounding
  let [kl, tail] = [Math.log(cachedSum), 1];
  live.forEach((logP, i) => {
    kl += Math.exp(logP) * (logP - logProbs[i]!);
    tail -= Math.exp(logP);
  });
  return tail > NOTHING ? kl + tail * (Math.log(tail) - logTailMass) : kl;
}

/** KL(P || Q) of each row over the whole vocabulary, in nats, and 1 where both have the same most probable token, else 0. */
export function divergencesBetween(
  logitsP: Tensor,
  logitsQ: Tensor,
): { kl: Float32Array; agreement: Float32Array } {
  return tidyValue(() => {
    const [logP, logQ] = [tf.logSoftmax(logitsP), tf.logSoftmax(logitsQ)];
    const agreement = tf.equal(logitsP.argMax(1), logitsQ.argMax(1)).cast('float32');
    return {
      kl: download(logP.exp().mul(logP.sub(logQ)).sum(1)) as Float32Array,
      agreement: download(agreement) as Float32Array,
    };
  });
}
