// The project's own task: how close a model is to the teacher on the samples that were held out (train/heldOut.ts).
import { join } from 'node:path';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { openLogits, type LogitsCache } from '../logits/logitsCache.ts';
import { readMix, type Sample } from '../mix/tokensArrow.ts';
import type { Decoder } from '../model/decoder.ts';
import { meanScores, scoreSamples, type HeldOutScores } from '../train/heldOut.ts';
import type { EvalConfig } from './evalConfig.ts';

/** The samples with the cached teacher; close it. */
export interface HeldOutTask {
  samples: Sample[];
  cache: LogitsCache;
  /** Fingerprints of what it was made from, by role. */
  inputs: Record<string, string>;
  close: () => Promise<void>;
}

/** Opens mix and logits. @throws UserError naming the command that makes what is missing. */
export async function openHeldOut(
  folders: { mix: string; logits: string },
  { limit }: Pick<EvalConfig, 'limit'>,
): Promise<HeldOutTask> {
  const { manifest: mix, samples } = await readMix(folders.mix);
  const cache = await openLogits(folders.logits);
  return {
    samples: samples.filter(({ split }) => split === 'held_out').slice(0, limit),
    cache,
    inputs: { mix: mix.fingerprint, logits: cache.manifest.fingerprint },
    close: () => cache.close(),
  };
}

/** Scores the samples and commits `out`/samples_held_out.jsonl. */
export async function evaluateHeldOut(
  { samples, cache }: HeldOutTask,
  { decoder, config, out }: { decoder: Decoder; config: EvalConfig; out: string },
): Promise<{ scores: HeldOutScores; file: FileRecord }> {
  const options = { batchTokens: config.batch_tokens, headBlock: config.head_block };
  const scores = await scoreSamples(decoder, samples, cache, options);
  const lines = scores.map((score) => JSON.stringify(score) + '\n').join('');
  return {
    scores: meanScores(scores),
    file: await commitBytes(join(out, 'samples_held_out.jsonl'), lines),
  };
}
