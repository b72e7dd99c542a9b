// What an evaluation is made from, before anything is asked: all that decides an answer or a score counts by its content.
import { join } from 'node:path';
import { fingerprint, type Json } from '../artifact/fingerprint.ts';
import { readJsonObject } from '../artifact/jsonFile.ts';
import type { ManifestPlan } from '../artifact/manifest.ts';
import { tokenizerFingerprint } from '../mix/tokenizer.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import type { EvalConfig } from './evalConfig.ts';
import type { EvalTask } from './prompts/loadTask.ts';

/** @param inputs fingerprints of what the held-out task needs */
export async function evaluationPlan(
  config: EvalConfig,
  { model, tasks, inputs }: { model: string; tasks: readonly EvalTask[]; inputs: Record<string, string> },
): Promise<ManifestPlan> {
  const asked = tasks.map((task) => [`task ${task.name}`, taskFingerprint(task)] as const);
  return {
    kind: 'eval',
    formatVersion: 3,
    inputs: {
      model: await modelFingerprint(model),
      ...(tasks.length > 0 && (await askingInputs(model))),
      ...inputs,
      ...Object.fromEntries(asked),
    },
    parameters: { ...config, data: undefined }, // where the rows lie is not what they are
  };
}

/** What beside the weights decides answers: tokenizer, chat template and special tokens, and how a generation ends. */
async function askingInputs(model: string): Promise<Record<string, string>> {
  const generation = (await readJsonObject(join(model, 'generation_config.json'))) ?? {};
  return {
    tokenizer: await tokenizerFingerprint(model),
    generation: fingerprint(generation as unknown as Json),
  };
}

/** Names what a task asks: its definition and its rows, wherever they were read from. */
function taskFingerprint({ definition, shots, docs, pool }: EvalTask): string {
  return fingerprint({ definition, shots, docs, pool } as unknown as Json);
}
