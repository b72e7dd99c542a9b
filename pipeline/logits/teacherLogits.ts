// Runs the teacher over samples, in batches of similar length, and keeps the most probable tokens of every target.
// Only the hidden states that predict a target go through the head. The event loop gets its turn after each block of
// the head, so that files are written while the next logits are computed.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../config/userError.ts';
import type { Weight } from '../engine/linear.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { batchesByLength, hasTargets, paddedBatch, targetPositions } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { batchShape, hiddenStates, type Decoder } from '../model/decoder.ts';
import { joinPositions, keptTokens, type KeepOptions, type KeptTokens } from './keptTokens.ts';
import { joinDraws, placesOfRows, sampledTokens } from './sampledTokens.ts';
import type { SampleLogits } from './shardColumns.ts';
import { topTokens } from './topTokens.ts';

export interface TeacherLogitsOptions extends KeepOptions {
  topK: number;
  vocabularySize: number;
  /** Starts with 1. */
  temperatures: readonly number[];
  /** Tokens drawn at a position; without it the most probable are kept. */
  draws?: number | undefined;
  /** Which of all possible draws they are. */
  drawSeed?: number | undefined;
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
  return samples.map(({ id }) => found.get(id) ?? nothingOf(id, options));
}

async function batchLogits(
  decoder: Decoder,
  batch: readonly Sample[],
  options: TeacherLogitsOptions,
): Promise<SampleLogits[]> {
  const { draws, drawSeed, temperatures } = options;
  if (draws === undefined) {
    const kept = await readPositions(decoder, batch, (...head) => keptBlocks(...head, options));
    return [...kept].map(([id, positions]) => joinPositions(id, positions, temperatures.length));
  }
  const { vocabularySize, headBlock: blockRows } = options;
  const places = placesOfRows(batch, draws, drawSeed);
  const drawn = await readPositions(decoder, batch, (...head) =>
    sampledTokens(...head, { vocabularySize, blockRows, places }),
  );
  return [...drawn].map(([id, positions]) => joinDraws(id, positions, draws));
}

/** What `blocksOf` finds at the targets of a batch, by sample; a block of rows at a time goes through the head. */
async function readPositions<T>(
  decoder: Decoder,
  batch: readonly Sample[],
  blocksOf: (hidden: Tensor, rows: Int32Array, head: Weight) => Iterable<(T | undefined)[]>,
): Promise<Map<string, T[]>> {
  const { ids, B, T, rows } = paddedBatch(batch);
  const targets = batch.flatMap((sample) => targetPositions(sample).map((j) => ({ sample, j })));
  const hidden = tf.tidy(() => hiddenStates(decoder, ids, batchShape(decoder, { B, T })));
  const found = new Map(batch.map(({ id }) => [id, [] as T[]]));
  try {
    let next = 0;
    for (const block of blocksOf(hidden, rows, decoder.head)) {
      for (const position of block) {
        const { sample, j } = targets[next++]!;
        if (!position) throw notFinite(sample, j);
        found.get(sample.id)!.push(position);
      }
      await setImmediate();
    }
  } finally {
    hidden.dispose();
  }
  return found;
}

function* keptBlocks(
  hidden: Tensor,
  rows: Int32Array,
  head: Weight,
  options: TeacherLogitsOptions,
): Generator<(KeptTokens | undefined)[]> {
  for (const block of topTokens(hidden, rows, head, headOptions(options)))
    yield Array.from({ length: block.n }, (_, i) => keptTokens(block, i, options.temperatures, options));
}

/** The logits of a sample without targets. */
function nothingOf(id: string, { draws, temperatures }: TeacherLogitsOptions): SampleLogits {
  return draws === undefined ? joinPositions(id, [], temperatures.length) : joinDraws(id, [], draws);
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
