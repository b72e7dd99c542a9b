// Samples and their cached teacher as the tensors of one batch. A target at position j of a sample is predicted from
// position j - 1; the cache holds one entry per target, in order.
import { tf } from '../engine/tensorflow.ts';
import type { CachedSample, LogitsReader } from '../logits/logitsCache.ts';
import { packedBatch, paddedBatch, targetPositions, type TokenBatch } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { TeacherTargets } from './distillationLoss.ts';
import { LOG_ZERO } from './divergence.ts';
import { positionWeights, type SourceWeights } from './sourceWeights.ts';

/** A batch and the teacher at its targets, a row of `targets` for each of `rows`. */
export interface TrainingBatch extends TokenBatch {
  targets: TeacherTargets;
}

/** As train.yaml has them. */
interface BatchOptions {
  temperature: number;
  packing?: 'on' | 'off';
  source_weights?: SourceWeights;
}

/** Reads the teacher's entries of a batch and lays everything out; free the targets with `tf.dispose`. */
export async function trainingBatch(
  batch: readonly Sample[],
  cache: LogitsReader,
  { temperature, packing = 'off', source_weights: weights = {} }: BatchOptions,
): Promise<TrainingBatch> {
  const cached = await Promise.all(batch.map(({ id }) => cache.read(id, { temperature })));
  const targets = teacherTargets(batch, cached);
  if (Object.keys(weights).length > 0) targets.weights = positionWeights(batch, weights);
  return { ...(packing === 'on' ? packedBatch(batch) : paddedBatch(batch)), targets };
}

function teacherTargets(batch: readonly Sample[], cached: readonly CachedSample[]): TeacherTargets {
  const labels = batch.flatMap((sample) => targetPositions(sample).map((j) => sample.tokenIds[j]!));
  const n = labels.length;
  const K = Math.max(1, ...cached.map(({ counts }) => counts.reduce((max, k) => Math.max(max, k), 0)));
  const ids = new Int32Array(n * K).fill(-1);
  const logits = new Float32Array(n * K).fill(LOG_ZERO);
  let row = 0;
  for (const sample of cached) {
    let at = 0;
    sample.counts.forEach((k, p) => {
      ids.set(sample.ids.subarray(at, at + k), row * K);
      for (let i = 0; i < k; i++)
        logits[row * K + i] = Math.max(sample.logProbs[at + i]! + sample.logSumExp[p]!, LOG_ZERO);
      at += k;
      row++;
    });
  }
  const column = (values: Float32Array) => tf.tensor2d(values, [n, 1]);
  const isDrawn = cached.some(({ entropy }) => entropy);
  return {
    ids: tf.tensor2d(ids, [n, K], 'int32'),
    logits: tf.tensor2d(logits, [n, K]),
    logSumExp: column(joined(cached, ({ logSumExpAtTemperature }) => logSumExpAtTemperature)),
    logTailMass: column(
      joined(cached, ({ logTailMass }) => logTailMass.map((value) => Math.max(value, LOG_ZERO))),
    ),
    labels: tf.tensor2d(labels, [n, 1], 'int32'),
    ...(isDrawn && { offset: column(joined(cached, drawnOffsets)) }),
  };
}

/**
 * What to add to the divergence from drawn tokens with shares w, Σ w (log w - log q), for Σ w (-log q) - H(p), which is
 * KL(p || q) on average; that from the draws is larger, as they are spread less widely than p.
 */
function drawnOffsets({ counts, logProbs, entropy }: CachedSample): Float32Array {
  let end = 0;
  return Float32Array.from(counts, (k, p) => {
    const shares = logProbs.subarray(end, (end += k));
    return shares.reduce((sum, log) => (log === -Infinity ? sum : sum - Math.exp(log) * log), -entropy![p]!);
  });
}

function joined(
  cached: readonly CachedSample[],
  values: (sample: CachedSample) => Float32Array,
): Float32Array {
  return Float32Array.from(cached.flatMap((sample) => [...values(sample)]));
}
