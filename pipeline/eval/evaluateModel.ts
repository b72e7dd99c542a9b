// The evaluation of one model folder: results.json with the scores, one samples_<task>.jsonl with what each came from.
import { join } from 'node:path';
import { commitBytes } from '../artifact/commitFile.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import { reuseFinished, writeManifest, type Manifest, type ManifestPlan } from '../artifact/manifest.ts';
import { openLogits } from '../logits/logitsCache.ts';
import { readMix } from '../mix/tokensArrow.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import { disposeDecoder, loadDecoder } from '../model/loadDecoder.ts';
import { meanScores, scoreSamples, type SampleScores } from '../train/heldOut.ts';
import type { EvalConfig } from './evalConfig.ts';

/** The model to evaluate, what the held-out task needs, and where the results go. */
export interface EvalFolders {
  model: string;
  mix: string;
  logits: string;
  out: string;
}

/** Evaluates `folders.model` and writes `out/results.json`, the samples and `out/manifest.json`. */
export async function evaluateModel(config: EvalConfig, folders: EvalFolders): Promise<Manifest> {
  const { manifest: mix, samples } = await readMix(folders.mix);
  const cache = await openLogits(folders.logits);
  try {
    const inputs = {
      model: await modelFingerprint(folders.model),
      mix: mix.fingerprint,
      logits: cache.manifest.fingerprint,
    };
    const plan: ManifestPlan = { kind: 'eval', formatVersion: 1, inputs, parameters: config };
    const finished = await reuseFinished(folders.out, plan);
    if (finished) return finished;
    const heldOut = samples.filter(({ split }) => split === 'held_out').slice(0, config.limit);
    const decoder = await loadDecoder(folders.model, config);
    const scores = await scoreSamples(decoder, heldOut, cache, {
      batchTokens: config.batch_tokens,
      headBlock: config.head_block,
    });
    disposeDecoder(decoder);
    return await writeResults(folders.out, plan, scores);
  } finally {
    await cache.close();
  }
}

async function writeResults(out: string, plan: ManifestPlan, scores: SampleScores[]): Promise<Manifest> {
  const results = { held_out: meanScores(scores) };
  const files = [
    await commitJson(join(out, 'results.json'), results),
    await commitBytes(
      join(out, 'samples_held_out.jsonl'),
      scores.map((score) => JSON.stringify(score) + '\n').join(''),
    ),
  ];
  return writeManifest(out, plan, { statistics: { held_out: { ...results.held_out } }, files });
}
