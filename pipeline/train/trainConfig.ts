// The keys of train.yaml, their units, ranges and defaults.
import { z } from 'zod';
import type { Clip, DistillationLoss } from './distillationLoss.ts';
import { DIVERGENCES } from './divergence.ts';
import { loraConfig } from './lora.ts';
import { SCHEDULES } from './schedule.ts';

const positive = z.number().positive();
const count = z.int().positive();
const fraction = z.number().min(0).max(1);

const trainKeys = z.strictObject({
  loss: z.enum(DIVERGENCES).default('forward_kl').describe('divergence from teacher to student'),
  beta: z.number().gt(0).lt(1).default(0.5).describe('jsd only: weight of the teacher in the mixture'),
  temperature: positive.default(1).describe('softmax temperature T of the divergence; must be in the cache'),
  tail: z
    .enum(['bucket', 'drop'])
    .default('bucket')
    .describe('tokens outside the cache: one more outcome, or left out on both sides'),
  clip: z
    .strictObject({
      absolute: positive.optional().describe('logits bounded to [-c, c]'),
      relative: positive.optional().describe('logits bounded to at least their maximum - c'),
    })
    .default({})
    .describe('logits clipping on both sides before the softmax, {absolute: c} or {relative: c}'),
  divergence_weight: z
    .number()
    .min(0)
    .default(1)
    .describe('weight of the divergence; 0 trains on the text alone, with cross_entropy_weight'),
  cross_entropy_weight: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of the next-token loss beside the divergence'),
  source_weights: z
    .record(z.string(), positive)
    .default({})
    .describe('weight of each loss position by the source of its sample, {NAME: weight}; 1 where not named'),
  loss_on: z
    .enum(['response', 'all'])
    .optional()
    .describe('tokens in the loss: mix.yaml decides, this only refuses a mix made otherwise'),
  learning_rate: positive.default(2e-5).describe('peak learning rate of AdamW'),
  schedule: z.enum(SCHEDULES).default('cosine').describe('decay after the warm-up'),
  warmup_ratio: fraction.default(0.05).describe('part of the steps with a rising learning rate'),
  final_ratio: fraction.default(0.1).describe('learning rate at the last step, as a part of the peak'),
  weight_decay: z.number().min(0).default(0).describe('decoupled decay of matrices'),
  beta1: fraction.default(0.9).describe('AdamW: decay of the first moment'),
  beta2: fraction.default(0.95).describe('AdamW: decay of the second moment'),
  epsilon: positive.default(1e-8).describe('AdamW: added to the root of the second moment'),
  max_grad_norm: positive.default(1).describe('global gradient norm above which gradients are scaled down'),
  epochs: count.default(1).describe('passes over the training samples'),
  max_steps: count.optional().describe('stop after so many optimizer steps'),
  batch_tokens: count.default(16384).describe('tokens of an optimizer step'),
  micro_batch_tokens: count.default(2048).describe('tokens of a forward and backward pass, padding included'),
  packing: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'samples of a pass one after the other, each attending to itself; off: side by side with padding',
    ),
  head_block: z
    .union([count, z.literal('auto')], { error: 'expected a whole number above 0, or auto' })
    .default('auto')
    .describe('loss positions that go through the head at once; auto: fewer the larger the vocabulary'),
  recompute: z
    .boolean()
    .default(false)
    .describe('compute layers again on the way back: less memory, a third more work'),
  dtype: z.enum(['bfloat16', 'float32']).default('bfloat16').describe('precision of the products'),
  master_dtype: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe(
      'precision of the weights that AdamW updates: float32 beside a copy in "dtype", or bfloat16 rounded at random',
    ),
  moment_dtype: z
    .enum(['float32', 'bfloat16', 'uint8'])
    .default('float32')
    .describe("precision of AdamW's moments; uint8: codes with a scale for each 256"),
  freeze: z
    .array(z.string())
    .default([])
    .describe('modules that stay as they are: embedding, head, or globs such as q_proj and model.layers.0.*'),
  lora: loraConfig
    .optional()
    .describe('trains low-rank adapters of the projections: {rank, alpha, dropout, targets}'),
  seed: z.int().min(0).default(0).describe('seed of shuffling, adapters, dropout and rounding'),
  checkpoint_every: count.default(50).describe('optimizer steps between checkpoints'),
  checkpoint_minutes: positive.optional().describe('minutes after which a checkpoint is due in any case'),
  eval_every: count
    .optional()
    .describe(
      'optimizer steps between evaluations on the held-out samples; also before the first and after the last',
    ),
  patience: count.optional().describe('stop after so many evaluations in a row without a lower held-out KL'),
  max_bad_steps: count
    .default(3)
    .describe('steps in a row without finite loss and gradient that end the run'),
  export: z
    .enum(['last', 'best'])
    .default('last')
    .describe('weights to export: after the last step, or at the lowest held-out KL'),
  export_dtype: z
    .enum(['bfloat16', 'float32'])
    .default('bfloat16')
    .describe('precision of the exported weights'),
});

/** Schema of train.yaml. */
export const trainConfig = trainKeys.superRefine(
  ({ divergence_weight, cross_entropy_weight, dtype, master_dtype }, context) => {
    const refuse = (key: string, input: unknown, message: string) =>
      context.addIssue({ code: 'custom', path: [key], input, message });
    if (divergence_weight + cross_entropy_weight === 0)
      refuse(
        'divergence_weight',
        divergence_weight,
        'with a cross_entropy_weight of 0 as well nothing is learned',
      );
    if (dtype === 'float32' && master_dtype === 'bfloat16')
      refuse('master_dtype', master_dtype, 'goes with dtype: bfloat16 alone');
  },
);

export type TrainConfig = z.infer<typeof trainConfig>;

/** The loss that a configuration describes. */
export function lossOf(config: TrainConfig): DistillationLoss {
  const { loss, beta, temperature, tail, clip } = config;
  const weights = {
    divergenceWeight: config.divergence_weight,
    crossEntropyWeight: config.cross_entropy_weight,
  };
  return { loss, beta, temperature, tail, clip: clip satisfies Clip, ...weights };
}
