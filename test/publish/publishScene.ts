// A finished run as training and evaluation leave it, with a tiny model, and the stage `publish` on it.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parse } from 'yaml';
import { commitBytes, type FileRecord } from '../../pipeline/artifact/commitFile.ts';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { commitJson } from '../../pipeline/artifact/jsonFile.ts';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { expandTasks, taskNamed } from '../../pipeline/eval/prompts/taskCatalog.ts';
import { writeSources } from '../../pipeline/hub/sourcesFile.ts';
import { modelFingerprint } from '../../pipeline/model/checkpoint.ts';
import { writeModelCard } from '../../pipeline/train/modelCard.ts';
import { trainConfig, type TrainConfig } from '../../pipeline/train/trainConfig.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { madeFrom } from '../train/cardScene.ts';
import { splitSamples } from '../train/trainScene.ts';
import { sumsOf } from '../fileBytes.ts';

export const REPOSITORY = 'lab/Small-Chat-redistilled';

interface RunOptions {
  lora?: boolean;
  rank?: number;
  evaluated?: boolean;
  /** What sources.json calls the student. */
  student?: string;
}

/** Writes a run and returns its folder. */
export async function finishedRun(t: Test, options: RunOptions = {}): Promise<string> {
  const { lora = false, rank = 4, evaluated = true, student = 'org/Small-Chat' } = options;
  const run = t.testdir({ base: { 'README.md': '---\nlicense: mit\n---\n# Base\n' } });
  const model = { revision: 'abc', path: join(run, 'base'), fingerprint: 'f' };
  const even = { reference: 'lab/even-numbers, files even.json', revision: 'def', files: [] };
  await writeSources(run, {
    teacher: { ...model, reference: 'org/Big-Chat' },
    student: { ...model, reference: student },
    datasets: { even },
  });
  const folder = join(run, 'train/main');
  const config = trainConfig.parse({ learning_rate: 3e-4, ...(lora && { lora: { rank, alpha: 8 } }) });
  await makeTinyModel(join(folder, 'model'));
  await writeModelCard(join(folder, 'model'), {
    ...{ config, metrics: [], exported: undefined },
    ...{ samples: splitSamples(10), mix: join(run, 'mix'), made: await madeFrom(run) },
  });
  if (lora) {
    await commitJson(join(folder, 'adapter/adapter_config.json'), { r: rank, base_model_name_or_path: null });
    await commitBytes(join(folder, 'adapter/adapter_model.safetensors'), 'not really weights');
  }
  await writeTrainManifest(folder, config);
  if (evaluated) await writeEvaluation(join(run, 'eval/main'), join(folder, 'model'));
  return run;
}

/** What the Hub reads of a model card. */
export function metadataOf(card: string): Record<string, unknown> {
  return parse(/^---\n(.*?)\n---\n/s.exec(card)![1]!) as Record<string, unknown>;
}

/** The manifest of what is in the folder now. */
export async function writeTrainManifest(folder: string, parameters: TrainConfig): Promise<void> {
  const files: FileRecord[] = [];
  for (const file of Object.keys(sumsOf(folder)).filter((file) => file !== 'manifest.json')) {
    const path = join(folder, file);
    files.push({ file, bytes: statSync(path).size, sha256: await sha256OfFile(path) });
  }
  const plan = { kind: 'train' as const, formatVersion: 1, inputs: {}, parameters };
  await writeManifest(folder, plan, { files });
}

const CHANGE = { interval: [0.01, 0.08], pValue: 0.01, items: 1319, isNoise: false };

/** Tasks, and a group with its parts, as an evaluation of them leaves it. */
async function writeEvaluation(folder: string, model: string): Promise<void> {
  const inputs = { model: await modelFingerprint(model) };
  await writeManifest(folder, { kind: 'eval', formatVersion: 2, inputs, parameters: {} }, { files: [] });
  const { tasks, groups } = await expandTasks(['gsm8k', 'winogrande', 'leaderboard_gpqa']);
  const parts = groups[0]!.tasks;
  await commitJson(join(folder, 'comparison.json'), {
    held_out: {
      kl: { before: 4, after: 0.5, difference: -3.5, interval: [-4, -3], items: 8, isNoise: false },
    },
    benchmarks: [
      ...[{ task: 'gsm8k', metric: 'exact_match,strict-match', before: 0.699, after: 0.743 }],
      ...[{ task: 'gsm8k', metric: 'exact_match,flexible-extract', before: 0.7, after: 0.75 }],
      ...[{ task: 'winogrande', metric: 'acc,none', before: 0.5, after: 0.55 }],
      ...[...parts, 'leaderboard_gpqa'].map((task) => ({
        task,
        metric: 'acc_norm',
        before: 0.25,
        after: 0.3,
      })),
    ].map((row) => ({ ...row, difference: row.after - row.before, ...CHANGE })),
    contamination: { gsm8k: { items: 1319, ids: [3, 5] }, winogrande: { items: 1267, ids: [] } },
  });
  const configs: Record<string, unknown> = {};
  for (const task of tasks) configs[task] = await taskNamed(task);
  const results = {
    ...{ results: {}, configs, group_subtasks: { leaderboard_gpqa: parts }, chat_template: null },
    'n-shot': { gsm8k: 5, winogrande: 5, leaderboard_gpqa: 0 },
  };
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results));
}
