// A tiny student, the cached logits of a tiny teacher over a mix of random tokens, and a run of the stage `train` on them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Manifest } from '../../pipeline/artifact/manifest.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import type { MetricRecord } from '../../pipeline/train/metrics.ts';
import type { TrainHooks } from '../../pipeline/train/runSteps.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
import { dumpLogits } from '../../pipeline/logits/dumpLogits.ts';
import { CONFIG } from '../logits/dumpScene.ts';
import { randomSamples, writeTinyMix } from '../tinyMix.ts';
import { makeTinyModel, type TinyModelOptions } from '../tinyModel.ts';

/** As train.yaml has them. */
type Parameters = Record<string, unknown>;

/** A few samples a micro-batch, a few of those a step. */
export const SMALL = { learning_rate: 1e-3, batch_tokens: 100, micro_batch_tokens: 50, dtype: 'float32' };

export interface TrainScene {
  /** A path in the folder: `mix`, `logits`, `student`, and what runs write. */
  at: (name: string) => string;
  samples: Sample[];
  /** Trains into `out`, in this process. */
  train: (parameters?: Parameters, given?: { out?: string; hooks?: TrainHooks }) => Promise<Manifest>;
  /** The flags of stages/train.ts for a run into `out`; writes its train.yaml. */
  flags: (parameters?: Parameters, given?: { out?: string }) => Record<string, string>;
}

/** Samples with every fifth held out. */
export function splitSamples(count: number): Sample[] {
  return randomSamples(count).map((sample, i) => (i % 5 === 4 ? { ...sample, split: 'held_out' } : sample));
}

export async function trainScene(
  t: Test,
  { samples = splitSamples(40), student = {} }: { samples?: Sample[]; student?: TinyModelOptions } = {},
): Promise<TrainScene> {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  await makeTinyModel(at('teacher'));
  await makeTinyModel(at('student'), { seed: 1, ...student });
  await writeTinyMix(at('mix'), { tokenizer: at('teacher'), samples });
  await dumpLogits({ config: CONFIG, mix: at('mix'), teacher: at('teacher'), out: at('logits') });
  const inputs = { mix: at('mix'), logits: at('logits'), student: at('student') };
  return {
    at,
    samples,
    train: (parameters = {}, { out = 'run', hooks = {} } = {}) =>
      trainStudent(trainConfig.parse({ ...SMALL, ...parameters }), { ...inputs, out: at(out) }, hooks),
    flags: (parameters = {}, { out = 'run' } = {}) => {
      writeFileSync(at(`${out}.yaml`), JSON.stringify({ ...SMALL, ...parameters })); // JSON is YAML
      return { config: at(`${out}.yaml`), ...inputs, out: at(out) };
    },
  };
}

/** The records of a metrics.jsonl. */
export function readMetrics(folder: string): MetricRecord[] {
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as MetricRecord);
}
