// The project's own task: how close a model is to the teacher on the samples that were held out (train/heldOut.ts).
import { join } from 'node:path';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { openLogits, type LogitsCache } from '../logits/logitsCache.ts';
import type { ChatTokenizer } from '../mix/tokenizer.ts';
import { readMix, type Sample } from '../mix/tokensArrow.ts';
import type { Decoder } from '../model/decoder.ts';
import { meanScores, sampleMeans, scorePositions, type HeldOutScores } from '../train/heldOut.ts';
import type { EvalConfig } from './evalConfig.ts';
import { sampleTokens, shownSamples, writeSampleTokens } from './heldOutTokens.ts';

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

/** Scores the samples and commits `out`/samples_held_out.jsonl, and a few of them token by token. */
export async function evaluateHeldOut(
  { samples, cache }: HeldOutTask,
  {
    decoder,
    tokenizer,
    config,
    out,
  }: { decoder: Decoder; tokenizer: ChatTokenizer; config: EvalConfig; out: string },
): Promise<{ scores: HeldOutScores; files: FileRecord[] }> {
  const options = { batchTokens: config.batch_tokens, headBlock: config.head_block };
  const positions = await scorePositions(decoder, samples, cache, options);
  const scores = sampleMeans(samples, positions);
  const lines = scores.map((score) => JSON.stringify(score) + '\n').join('');
  const shown = shownSamples(samples);
  const shownPositions = shown.map((sample) => positions[samples.indexOf(sample)]!);
  const tokens = await sampleTokens(shown, shownPositions, { cache, tokenizer });
  return {
    scores: meanScores(scores),
    files: [
      await commitBytes(join(out, 'samples_held_out.jsonl'), lines),
      await writeSampleTokens(out, tokens),
    ],
  };
}
