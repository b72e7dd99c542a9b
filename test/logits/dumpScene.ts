// A tiny random teacher and a mix of random tokens in a folder of their own, for tests of the logits stage.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { dumpLogits, type DumpOptions, type DumpResult } from '../../pipeline/logits/dumpLogits.ts';
import { logitsConfig, type LogitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import type { ShardRecord } from '../../pipeline/logits/shardRecords.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { readJson } from '../readJson.ts';
import { randomSamples, writeTinyMix } from '../tinyMix.ts';
import { makeTinyModel, type TinyModelOptions } from '../tinyModel.ts';

/** Several shards of a few samples each. */
export const CONFIG = logitsConfig.parse({
  top_k: 20,
  mass: 0.95,
  batch_tokens: 200,
  head_block: 16,
  shard_tokens: 150,
});

interface SceneOptions {
  samples?: Sample[];
  model?: TinyModelOptions;
  config?: Partial<LogitsConfig>;
}

export interface Scene {
  /** A path in the folder: `teacher`, `mix` and, once dumped, `out`. */
  at: (name: string) => string;
  samples: Sample[];
  /** What the stage has told. */
  lines: string[];
  dump: (changes?: Partial<DumpOptions>) => Promise<DumpResult>;
}

/** A folder with a teacher and a mix of 40 samples; `dump` runs the stage on it. */
export async function dumpScene(
  t: Test,
  { samples = randomSamples(40), model = {}, config = {} }: SceneOptions = {},
): Promise<Scene> {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  await makeTinyModel(at('teacher'), model);
  await writeTinyMix(at('mix'), { tokenizer: at('teacher'), samples });
  const lines: string[] = [];
  const options: DumpOptions = {
    config: { ...CONFIG, ...config },
    ...{ mix: at('mix'), teacher: at('teacher'), out: at('out') },
    progress: (line) => lines.push(line),
  };
  return { at, lines, samples, dump: (changes = {}) => dumpLogits({ ...options, ...changes }) };
}

/** The records of all shards under a folder. */
export function shardRecords(folder: string): ShardRecord[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /shard-[^/]*\.json$/.test(file))
    .map((file) => readJson(join(folder, file)) as ShardRecord);
}
