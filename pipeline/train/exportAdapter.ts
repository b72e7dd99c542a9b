// The trained adapters as PEFT keeps them: adapter_config.json and adapter_model.safetensors, in float32. Loaded over the
// checkpoint that the student started from, they give the trained model.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import { cast } from '../engine/layoutOps.ts';
import { bytesOf } from '../engine/tensorBytes.ts';
import { tidyValue } from '../engine/tidyValue.ts';
import { withValue } from '../engine/variable.ts';
import { writeSafetensors, type TensorSource } from '../model/safetensors.ts';
import type { LoraConfig } from './lora.ts';
import type { Student } from './student.ts';

/**
 * Replaces `folder`; without adapters it is removed.
 * @returns the records of its files
 */
export async function exportAdapter(
  { parameters, decoder }: Student,
  { lora, folder }: { lora: LoraConfig | undefined; folder: string },
): Promise<FileRecord[]> {
  await rm(folder, { recursive: true, force: true });
  if (!lora) return [];
  const tensors = [...parameters].map(([name, { state }]): TensorSource => ({
    name: `base_model.model.${name}`,
    dtype: 'F32',
    shape: withValue(state.weight, (value) => value.shape),
    data: () => withValue(state.weight, (weight) => tidyValue(() => bytesOf(cast(weight, 'float32')))),
  }));
  const targets = targetModules([...parameters.keys()], decoder.config.numHiddenLayers);
  return [
    await commitJson(join(folder, 'adapter_config.json'), peftConfig(lora, targets)),
    await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors),
  ];
}

function peftConfig({ rank, alpha, dropout }: LoraConfig, targets: string[]) {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: null,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    target_modules: targets,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    inference_mode: true,
  };
}

/** Projections by their last name where every layer has them adapted, as other programs expect it, else by their whole names. */
function targetModules(parameters: readonly string[], layers: number): string[] {
  const modules = [...new Set(parameters.map((name) => name.replace(/\.lora_[AB]\.weight$/, '')))];
  const roles = [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))];
  return modules.length === roles.length * layers ? roles : modules;
}
