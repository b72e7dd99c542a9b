// What a model's generation_config.json changes in greedy answers: lm-evaluation-harness leaves it in force and only
// turns sampling off. The repetition penalty is applied, anything else is refused by name.
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonObject } from '../../artifact/jsonFile.ts';
import { UserError } from '../../config/userError.ts';
import { validate } from '../../config/loadConfig.ts';
import type { GeneratingOptions } from './generateGreedily.ts';

/** Settings that change which token is chosen without sampling, with the values that leave it as it is. */
const NEUTRAL: Record<string, unknown[]> = {
  num_beams: [1],
  penalty_alpha: [0],
  guidance_scale: [1],
  no_repeat_ngram_size: [0],
  encoder_repetition_penalty: [1],
  encoder_no_repeat_ngram_size: [0],
  min_length: [0],
  min_new_tokens: [0],
  bad_words_ids: [],
  sequence_bias: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
  watermarking_config: [],
};

const settingsSchema = z.looseObject({ repetition_penalty: z.number().positive().nullish() });

/** @throws UserError naming file, field and value of a setting that is not supported. */
export async function readGenerationSettings(
  folder: string,
): Promise<Pick<GeneratingOptions, 'repetitionPenalty'>> {
  const file = join(folder, 'generation_config.json');
  const raw = (await readJsonObject(file)) ?? {};
  for (const [field, neutral] of Object.entries(NEUTRAL)) {
    const value = raw[field] ?? null;
    if (value !== null && !neutral.includes(value))
      throw new UserError({
        ...{ file, field, value, problem: 'changes greedy answers in a way that is not supported' },
        remedy: 'take it out, or leave out the tasks that generate text',
      });
  }
  const { repetition_penalty } = validate(settingsSchema, raw, () => file);
  return { repetitionPenalty: repetition_penalty ?? 1 };
}
