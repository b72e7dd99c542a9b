// Shards one after the other: the samples of each go through the teacher while the one before is written, so two are in
// memory at most, however many there are.
import { join } from 'node:path';
import { lockWork } from '../artifact/workLock.ts';
import { hasTargets, tokenCount } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { Decoder } from '../model/decoder.ts';
import { batchTokensOf } from './batchTokens.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { requireRoom } from './diskSpace.ts';
import type { LogitsConfig } from './logitsConfig.ts';
import type { ShardFormat } from './shardColumns.ts';
import type { PlannedShard } from './shardPlan.ts';
import { commitShard, findShard } from './shardRecords.ts';
import { teacherLogits } from './teacherLogits.ts';

export interface ShardWork {
  config: LogitsConfig;
  format: ShardFormat;
  /** Of the shards. */
  folder: string;
  progress: Progress;
  /** Bytes left where a folder is; the system is asked by default. */
  free?: ((folder: string) => Promise<number>) | undefined;
}

/** @throws UserError when the disk has no room for them, a logit is not finite, or another process makes one of them. */
export async function makeShards(
  { config, format, folder, progress, free }: ShardWork,
  decoder: Decoder,
  planned: readonly PlannedShard[],
): Promise<void> {
  const options = {
    ...{ topK: config.top_k, mass: config.mass, minK: config.min_k, minProbability: config.min_probability },
    batchTokens: await batchTokensOf(config.batch_tokens, decoder.config),
    headBlock: config.head_block,
    drawSeed: config.draw_seed,
    ...format,
  };
  const all = planned.flatMap(({ samples }) => samples).filter(hasTargets);
  await requireRoom(folder, all, {
    format,
    mostTokens: Math.min(format.vocabularySize, format.draws === undefined ? config.top_k : format.draws + 1),
    compute: (samples) => teacherLogits(decoder, samples, options),
    free,
  });
  const done = sampleProgress(all, progress);
  let written = Promise.resolve();
  try {
    for (const { chunk, samples } of planned) {
      const lock = await lockWork(join(folder, `shard-${chunk}`), { notice: progress });
      try {
        if (await isMade(folder, { chunk, samples })) {
          await lock.release();
          continue;
        }
        const logits = await teacherLogits(decoder, samples, options, done);
        await written;
        written = commitShard(folder, chunk, logits, format).finally(lock.release);
        written.catch(() => undefined); // it is thrown where it is awaited
      } catch (error) {
        await lock.release();
        throw error;
      }
    }
  } finally {
    await written;
  }
}

/** Whether a shard, missing when the work was planned, has been made by another process since. */
async function isMade(folder: string, { chunk, samples }: PlannedShard): Promise<boolean> {
  const present = new Set((await findShard(folder, chunk))?.samples);
  return samples.every(({ id }) => present.has(id));
}

/** Told of each batch done, says how far it is. */
function sampleProgress(all: readonly Sample[], progress: Progress) {
  const total = tokenCount(all);
  const pace = progressMeter({ unit: 'tokens', total });
  let [samples, tokens] = [0, 0];
  return (batch: readonly Sample[]) => {
    samples += batch.length;
    tokens += tokenCount(batch);
    const line = `${samples}/${all.length} samples, ${pace(tokenCount(batch))}`;
    progress(line, tokens < total ? 'pace' : undefined);
  };
}
