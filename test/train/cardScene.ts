// The manifests that a training was made from, as the stages write them, for tests of the model card.
import { join } from 'node:path';
import {
  planFingerprint,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../../pipeline/artifact/manifest.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { mixConfig, mixParameters } from '../../pipeline/mix/mixConfig.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import type { MadeFrom } from '../../pipeline/train/cardParameters.ts';

/** The fingerprint of a teacher that is not quantized. */
export const PLAIN_TEACHER = 'plain';

const MIX = {
  ...{ seed: 7, total: 10, held_out: 2, max_tokens: 64 },
  sources: { even: { weight: 3, columns: { prompt: 'q', response: 'a' } }, odd: { weight: 1 } },
};
const LOGITS = { top_k: 32, mass: 0.99, temperatures: [2], precision: 'uint8' };

/** Mix and logits of the quantized teacher whose manifest is written to `run`/teacher, or of the one given. */
export async function madeFrom(
  run: string,
  { logits = LOGITS, teacher }: { logits?: object; teacher?: string } = {},
): Promise<MadeFrom> {
  const method = { method: 'hqq', dtype: 'bfloat16', scale_dtype: 'float16' };
  const plan = planned('teacher', { ...teacherConfig.parse({ bits: 3 }), ...method });
  const quantized = await writeManifest(join(run, 'teacher'), plan, { files: [] });
  const made = (given: ManifestPlan): Manifest => ({
    ...{ ...given, fingerprint: planFingerprint(given), tools: {}, statistics: {}, files: [] },
  });
  return {
    mix: made(planned('mix', mixParameters(mixConfig.parse(MIX)))),
    logits: made({
      ...planned('logits', logitsConfig.parse(logits)),
      inputs: { teacher: teacher ?? quantized.fingerprint },
    }),
  };
}

function planned(kind: ManifestPlan['kind'], parameters: ManifestPlan['parameters']): ManifestPlan {
  return { kind, formatVersion: 1, inputs: {}, parameters };
}
