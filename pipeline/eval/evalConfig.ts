// The keys of eval.yaml.
import { z } from 'zod';

const count = z.int().positive();

/** The task of this project's own: closeness to the teacher on the held-out samples of the mix. */
export const HELD_OUT = 'held_out';

/** Schema of eval.yaml. */
export const evalConfig = z.strictObject({
  tasks: z
    .array(z.string())
    .min(1)
    .default([HELD_OUT])
    .describe('what to evaluate: held_out, and tasks or groups of lm-evaluation-harness such as gsm8k, mmlu'),
  limit: count.optional().describe('first items of each task; all without it'),
  num_fewshot: z
    .int()
    .nonnegative()
    .optional()
    .describe('examples before each question, for tasks that have any; each task its own number without it'),
  max_gen_toks: count
    .optional()
    .describe('most tokens of a generated answer; each task its own number without it'),
  apply_chat_template: z
    .boolean()
    .default(false)
    .describe('prompts as conversations in the chat template of the model'),
  fewshot_as_multiturn: z
    .boolean()
    .default(true)
    .describe('with the chat template: each example as a question and an answer, not all in one message'),
  system_prompt: z.string().optional().describe('what stands before the description of each task'),
  data: z
    .record(z.string(), z.record(z.string(), z.string()))
    .default({})
    .describe('files in place of the datasets on the Hub, {TASK or GROUP: {SPLIT: FILE}}'),
  dtype: z.enum(['bfloat16', 'float32']).default('bfloat16').describe('precision of weights and products'),
  batch_tokens: count.default(4096).describe('tokens of a forward pass; what items share counts once'),
  head_block: count.default(512).describe('positions that go through the head at once'),
  rows: count.default(16).describe('answers that are generated at once'),
});

export type EvalConfig = z.infer<typeof evalConfig>;

/** The tasks of lm-evaluation-harness among those asked for. */
export function benchmarksOf({ tasks }: Pick<EvalConfig, 'tasks'>): string[] {
  return tasks.filter((task) => task !== HELD_OUT);
}
