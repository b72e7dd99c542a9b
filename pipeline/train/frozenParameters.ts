// What training leaves as it is: the modules that `freeze` names or, with adapters, all of the model. Frozen tensors
// have no gradient, no float32 master and no moments, and are exported as they came.
import { UserError } from '../config/userError.ts';
import { decoderShapes } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import type { LoraConfig } from './lora.ts';
import { matchingModules } from './matchingModules.ts';

const WORDS: Record<string, string> = { embedding: 'model.embed_tokens', head: 'lm_head' };

/**
 * The names of the model's frozen parameters. A tied head is the embedding: both words mean the one matrix.
 * @throws UserError for a glob that matches nothing, or when nothing is left to train
 */
export function frozenParameters(
  config: ModelConfig,
  { freeze, lora }: { freeze: readonly string[]; lora?: LoraConfig | undefined },
): Set<string> {
  const names = [...decoderShapes(config).keys()];
  if (lora && freeze.length > 0)
    throw complaint(freeze, 'with lora all of the model is frozen already', 'leave out one of the two');
  if (lora) return new Set(names);
  const tiedHead = config.tieWordEmbeddings ? ['lm_head'] : [];
  const modules = [...new Set(names.map(moduleOf)), ...tiedHead];
  const frozen = new Set(freeze.flatMap((glob) => matchingModules(WORDS[glob] ?? glob, modules, 'freeze')));
  if (config.tieWordEmbeddings && frozen.has('lm_head')) frozen.add('model.embed_tokens');
  const result = new Set(names.filter((name) => frozen.has(moduleOf(name))));
  if (result.size === names.length) throw complaint(freeze, 'nothing is left to train', 'freeze less');
  return result;
}

function moduleOf(parameter: string): string {
  return parameter.slice(0, parameter.lastIndexOf('.'));
}

function complaint(value: readonly string[], problem: string, remedy: string): UserError {
  return new UserError({ file: 'train.yaml', field: 'freeze', value, problem, remedy });
}
