// The hyperparameters on a model card: not the training's alone, but also those of the text it learned from, of the
// teacher's quantization and of what was kept of its probabilities, as the manifests of those stages hold them.
import { stringify } from 'yaml';
import { findManifest, type Manifest } from '../artifact/manifest.ts';
import { keptBy, temperaturesOf, type LogitsConfig } from '../logits/logitsConfig.ts';
import type { TrainConfig } from './trainConfig.ts';

/** What a training was made from. */
export interface MadeFrom {
  mix: Manifest;
  logits: Manifest;
}

/** The quantized teacher in `folder`; undefined when these logits are not its own. */
export async function quantizedTeacher(folder: string, { logits }: MadeFrom): Promise<Manifest | undefined> {
  const found = await findManifest(folder);
  return found?.fingerprint === logits.inputs.teacher ? found : undefined;
}

/** The parameters of each stage as YAML. */
export function parametersText(
  config: TrainConfig,
  { mix, logits, teacher }: MadeFrom & { teacher: Manifest | undefined },
): string {
  const stages = {
    Training: config,
    "The teacher's quantization": teacher?.parameters,
    "What was kept of the teacher's probabilities": cacheParameters(logits),
    'The training text': mix.parameters,
  };
  return [
    "The keys are those of redistill's recipes.",
    ...Object.entries(stages).flatMap(([title, parameters]) =>
      parameters ? [`### ${title}\n\n\`\`\`yaml\n${stringify(parameters)}\`\`\``] : [],
    ),
  ].join('\n\n');
}

/** Those that decide what is in the cache, not how it was computed or stored. */
function cacheParameters({ parameters }: Manifest) {
  const config = parameters as unknown as LogitsConfig;
  const { method, precision } = config;
  return { method, ...keptBy(config), temperatures: temperaturesOf(config), precision };
}
