// The parameters of the logits stage (logits.yaml): what of the teacher's distributions is kept, and how they are made.
import { z } from 'zod';

export const logitsConfig = z
  .strictObject({
    top_k: z.int().min(1).max(65_535).default(128).describe('most tokens kept at a position'),
    mass: z
      .number()
      .positive()
      .max(1)
      .default(0.999)
      .describe('probability after which no more tokens are kept, from 0 to 1'),
    min_k: z.int().min(1).default(4).describe('fewest tokens kept at a position'),
    temperatures: z
      .array(z.number().positive())
      .default([])
      .describe('temperatures, beside 1, that training may choose from'),
    precision: z
      .enum(['float16', 'float32'])
      .default('float16')
      .describe('number format of log-probabilities and tail masses'),
    batch_tokens: z.int().positive().default(8192).describe('tokens of a forward batch, padding included'),
    head_block: z.int().positive().default(512).describe('positions whose logits are in memory at a time'),
    shard_tokens: z
      .int()
      .positive()
      .default(131_072)
      .describe('loss positions after which a shard is closed and committed: what a killed run may lose'),
  })
  .refine(({ min_k, top_k }) => min_k <= top_k, { path: ['min_k'], error: 'must not exceed top_k' });

export type LogitsConfig = z.infer<typeof logitsConfig>;

/** Temperatures of the cache: 1, then the others in ascending order. */
export function temperaturesOf({ temperatures }: Pick<LogitsConfig, 'temperatures'>): number[] {
  const others = new Set(temperatures.filter((T) => T !== 1));
  return [1, ...[...others].sort((a, b) => a - b)];
}
