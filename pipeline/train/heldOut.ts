// How close a model is to the teacher on the held-out samples, from the cache alone: KL(teacher || model) with the
// tail as one outcome (a lower bound of the full KL, and tight at the usual tail mass), the next-token cross-entropy
// of the text, and how often both find the same token most probable.
import { gatherRows, slice } from '../engine/layoutOps.ts';
import { int32 } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import type { LogitsReader } from '../logits/logitsCache.ts';
import { batchesByLength, lossPositions } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { batchShape, hiddenStates, logitsOf, type Decoder } from '../model/decoder.ts';
import { lossValues, rowsOfTargets, type DistillationLoss } from './distillationLoss.ts';
import { trainingBatch, type TrainingBatch } from './trainingBatch.ts';

/** Means over loss positions. `perplexity` is exp of the cross-entropy; `agreement` is from 0 to 1. */
export interface HeldOutScores {
  kl: number;
  cross_entropy: number;
  perplexity: number;
  agreement: number;
  positions: number;
}

/** The sums of one sample. */
export interface SampleScores {
  id: string;
  source: string;
  positions: number;
  kl: number;
  cross_entropy: number;
  agreement: number;
}

const PLAIN_KL: DistillationLoss = {
  loss: 'forward_kl',
  beta: 0.5,
  temperature: 1,
  tail: 'bucket',
  clip: {},
  crossEntropyWeight: 0,
};

/** What the model says at each of the P loss positions of a sample. */
export interface PositionScores {
  kl: Float32Array; // [P]
  crossEntropy: Float32Array; // [P]
  agreement: Float32Array; // [P], 0 or 1
  /** The token that it holds most probable. */
  best: Int32Array; // [P]
}

interface ScoringOptions {
  batchTokens: number;
  headBlock: number;
}

/** Scores every sample; means of each over its own positions. Order follows `samples`. */
export async function scoreSamples(
  decoder: Decoder,
  samples: readonly Sample[],
  cache: LogitsReader,
  options: ScoringOptions,
): Promise<SampleScores[]> {
  return sampleMeans(samples, await scorePositions(decoder, samples, cache, options));
}

/** Scores every position of every sample. Order follows `samples`. */
export async function scorePositions(
  decoder: Decoder,
  samples: readonly Sample[],
  cache: LogitsReader,
  { batchTokens, headBlock }: ScoringOptions,
): Promise<PositionScores[]> {
  const scores = new Map<string, PositionScores>();
  for (const group of batchesByLength(samples, batchTokens)) {
    const batch = await trainingBatch(group, cache, { temperature: 1 });
    const rows = positionScores(decoder, batch, headBlock);
    let begin = 0;
    for (const sample of group) {
      const [first, end] = [begin, begin + lossPositions([sample])];
      scores.set(sample.id, {
        kl: rows.kl.slice(first, end),
        crossEntropy: rows.crossEntropy.slice(first, end),
        agreement: rows.agreement.slice(first, end),
        best: rows.best.slice(first, end),
      });
      begin = end;
    }
    tf.dispose(Object.values(batch.targets));
  }
  return samples.map(({ id }) => scores.get(id)!);
}

/** The scores of each sample, from those of its positions. */
export function sampleMeans(samples: readonly Sample[], scores: readonly PositionScores[]): SampleScores[] {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return samples.map(({ id, source }, i) => {
    const { kl, crossEntropy, agreement } = scores[i]!;
    return {
      ...{ id, source, positions: kl.length },
      ...{ kl: mean(kl), cross_entropy: mean(crossEntropy), agreement: mean(agreement) },
    };
  });
}

/** The means over all positions of all samples. */
export function meanScores(samples: readonly SampleScores[]): HeldOutScores {
  const positions = samples.reduce((sum, sample) => sum + sample.positions, 0);
  const mean = (key: 'kl' | 'cross_entropy' | 'agreement') =>
    samples.reduce((sum, sample) => sum + sample[key] * sample.positions, 0) / positions;
  const cross_entropy = mean('cross_entropy');
  return {
    kl: mean('kl'),
    cross_entropy,
    perplexity: Math.exp(cross_entropy),
    agreement: mean('agreement'),
    positions,
  };
}

/** Each score at every loss position of the batch, in order. */
function positionScores(decoder: Decoder, { ids, B, T, rows, targets }: TrainingBatch, headBlock: number) {
  const n = rows.length;
  const scores: PositionScores = {
    kl: new Float32Array(n),
    crossEntropy: new Float32Array(n),
    agreement: new Float32Array(n),
    best: new Int32Array(n),
  };
  tf.tidy(() => {
    const hidden = gatherRows(hiddenStates(decoder, ids, batchShape(decoder, { B, T })), int32(rows));
    for (let begin = 0; begin < n; begin += headBlock)
      tf.tidy(() => {
        const count = Math.min(headBlock, n - begin);
        const logits = logitsOf(slice(hidden, [begin, 0], [count, -1]), decoder);
        const block = rowsOfTargets(targets, begin, count);
        const { divergence, crossEntropy } = lossValues(logits, block, PLAIN_KL);
        scores.kl.set(divergence.dataSync(), begin);
        scores.crossEntropy.set(crossEntropy.dataSync(), begin);
        const best = logits.argMax(1);
        scores.agreement.set(agreement(best, block.ids).dataSync(), begin);
        scores.best.set(best.dataSync(), begin);
      });
  });
  return scores;
}

/** 1 where the most probable tokens agree, else 0; the cache lists the teacher's first. */
function agreement(best: Tensor, teacherIds: Tensor): Tensor {
  return tf.equal(best, teacherIds.slice([0, 0], [-1, 1]).squeeze([1])).cast('float32');
}
