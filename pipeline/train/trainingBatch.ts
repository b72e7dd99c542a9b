// Samples and their cached teacher as the tensors of one batch. A target at position j of a sample is predicted from
// position j - 1; the cache holds one entry per target, in order.
import { tf } from '../engine/tensorflow.ts';
import type { CachedSample, LogitsReader } from '../logits/logitsCache.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { padTokens, targetPositions, type MicroBatch } from './batches.ts';
import type { TeacherTargets } from './distillationLoss.ts';
import { LOG_ZERO } from './divergence.ts';

/** A padded batch: token ids [B T], the rows of [B T, D] that predict a target, and the teacher there. */
export interface TrainingBatch {
  ids: Int32Array;
  B: number;
  T: number;
  rows: Int32Array; // [n]
  targets: TeacherTargets;
}

/** Reads the teacher's entries of a batch and lays everything out; free the targets with `tf.dispose`. */
export async function trainingBatch(
  batch: MicroBatch,
  cache: LogitsReader,
  { temperature }: { temperature: number },
): Promise<TrainingBatch> {
  const cached = await Promise.all(batch.map(({ id }) => cache.read(id, { temperature })));
  const padded = padTokens(batch);
  const positions = batch.map(targetPositions);
  return {
    ...padded,
    rows: Int32Array.from(positions.flatMap((targets, b) => targets.map((j) => b * padded.T + j - 1))),
    targets: teacherTargets(batch, positions, cached),
  };
}

/** How many loss positions the samples have. */
export function lossPositions(samples: readonly Sample[]): number {
  return samples.reduce((sum, sample) => sum + targetPositions(sample).length, 0);
}

function teacherTargets(batch: MicroBatch, positions: number[][], cached: CachedSample[]): TeacherTargets {
  const n = positions.reduce((sum, targets) => sum + targets.length, 0);
  const K = Math.max(1, ...cached.map(({ counts }) => counts.reduce((max, k) => Math.max(max, k), 0)));
  const ids = new Int32Array(n * K).fill(-1);
  const logits = new Float32Array(n * K).fill(LOG_ZERO);
  let row = 0;
  for (const sample of cached) {
    let at = 0;
    sample.counts.forEach((k, p) => {
      ids.set(sample.ids.subarray(at, at + k), row * K);
      for (let i = 0; i < k; i++) logits[row * K + i] = sample.logProbs[at + i]! + sample.logSumExp[p]!;
      at += k;
      row++;
    });
  }
  const column = (values: Float32Array) => tf.tensor2d(values, [n, 1]);
  return {
    ids: tf.tensor2d(ids, [n, K], 'int32'),
    logits: tf.tensor2d(logits, [n, K]),
    logSumExp: column(joined(cached, ({ logSumExpAtTemperature }) => logSumExpAtTemperature)),
    logTailMass: column(
      joined(cached, ({ logTailMass }) => logTailMass.map((value) => Math.max(value, LOG_ZERO))),
    ),
    labels: tf.tensor2d(
      batch.flatMap(({ tokenIds }, b) => positions[b]!.map((j) => tokenIds[j]!)),
      [n, 1],
      'int32',
    ),
  };
}

function joined(cached: CachedSample[], values: (sample: CachedSample) => Float32Array): Float32Array {
  return Float32Array.from(cached.flatMap((sample) => [...values(sample)]));
}
