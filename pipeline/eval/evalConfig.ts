// The keys of eval.yaml.
import { z } from 'zod';

/** What can be evaluated. `held_out`: closeness to the teacher on the held-out samples of the mix. */
const TASKS = ['held_out'] as const;

/** Schema of eval.yaml. */
export const evalConfig = z.strictObject({
  tasks: z.array(z.enum(TASKS)).min(1).default(['held_out']).describe('what to evaluate, [held_out]'),
  limit: z.int().positive().optional().describe('samples a task; all without it'),
  dtype: z.enum(['bfloat16', 'float32']).default('bfloat16').describe('precision of weights and products'),
  batch_tokens: z.int().positive().default(4096).describe('tokens of a forward pass, padding included'),
  head_block: z.int().positive().default(512).describe('positions that go through the head at once'),
});

export type EvalConfig = z.infer<typeof evalConfig>;
