// Runs the teacher over samples, in batches of similar length, and keeps the most probable tokens of every target.
// Only the hidden states that predict a target go through the head. The event loop gets its turn after each block of
// the head, so that files are written while the next logits are computed.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../config/userError.ts';
import { tf } from '../engine/tensorflow.ts';
import { batchesByLength, hasTargets, paddedBatch, targetPositions } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { batchShape, hiddenStates, type Decoder } from '../model/decoder.ts';
import { joinPositions, keptTokens, type KeepOptions, type KeptTokens } from './keptTokens.ts';
import type { SampleLogits } from './logitsShard.ts';
import { topTokens } from './topTokens.ts';

export interface TeacherLogitsOptions extends KeepOptions {
  topK: number;
  vocabularySize: number;
  /** Starts with 1. */
  temperatures: readonly number[];
  batchTokens: number;
  headBlock: number;
}

/**
 * @param done told of each batch when it is through
 * @returns the samples' logits in the order given
 * @throws UserError naming sample and position of a logit that is not finite.
 */
export async function teacherLogits(
  decoder: Decoder,
  samples: readonly Sample[],
  options: TeacherLogitsOptions,
  done: (batch: readonly Sample[]) => void = () => undefined,
): Promise<SampleLogits[]> {
  const found = new Map<string, SampleLogits>();
  for (const batch of batchesByLength(samples.filter(hasTargets), options.batchTokens)) {
    for (const logits of await batchLogits(decoder, batch, options)) found.set(logits.id, logits);
    done(batch);
  }
  return samples.map(({ id }) => found.get(id) ?? joinPositions(id, [], options.temperatures.length));
}

async function batchLogits(
  decoder: Decoder,
  batch: readonly Sample[],
  options: TeacherLogitsOptions,
): Promise<SampleLogits[]> {
  const { ids, B, T, rows } = paddedBatch(batch);
  const targets = batch.flatMap((sample) => targetPositions(sample).map((j) => ({ sample, j })));
  const hidden = tf.tidy(() => hiddenStates(decoder, ids, batchShape(decoder, { B, T })));
  const kept = new Map(batch.map(({ id }) => [id, [] as KeptTokens[]]));
  try {
    let next = 0;
    for (const block of topTokens(hidden, rows, decoder.head, headOptions(options))) {
      for (let i = 0; i < block.n; i++) {
        const { sample, j } = targets[next++]!;
        const position = keptTokens(block, i, options.temperatures, options);
        if (!position) throw notFinite(sample, j);
        kept.get(sample.id)!.push(position);
      }
      await setImmediate();
    }
  } finally {
    hidden.dispose();
  }
  return [...kept].map(([id, positions]) => joinPositions(id, positions, options.temperatures.length));
}

function headOptions({ topK, vocabularySize, temperatures, headBlock }: TeacherLogitsOptions) {
  return { k: topK, vocabularySize, temperatures, blockRows: headBlock };
}

function notFinite({ id, source }: Sample, position: number): UserError {
  return new UserError({
    field: `sample ${id} (${source}), position ${position}`,
    problem: 'the teacher gives a logit that is NaN or infinite',
    remedy: 'check the teacher: its weights may be damaged, or exceed what bfloat16 computes',
  });
}
