// The parameters of the logits stage (logits.yaml): what of the teacher's distributions is kept, and how they are made.
import { z } from 'zod';
import { slurmConfig } from './slurmConfig.ts';

export const logitsConfig = z
  .strictObject({
    method: z
      .enum(['topk', 'sample'])
      .default('topk')
      .describe('the most probable tokens, or tokens drawn at random (arXiv 2503.16870)'),
    draws: z
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe('method sample: tokens drawn at a position, with replacement'),
    draw_seed: z
      .int()
      .min(0)
      .optional()
      .describe('method sample: another number draws other tokens; left out, the sample alone decides'),
    top_k: z.int().min(1).max(65_535).default(128).describe('most tokens kept at a position'),
    mass: z
      .number()
      .positive()
      .max(1)
      .default(0.999)
      .describe('probability after which no more tokens are kept, from 0 to 1'),
    min_probability: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('probability below which a token is not kept, from 0 to 1'),
    min_k: z.int().min(1).default(4).describe('fewest tokens kept at a position'),
    temperatures: z
      .array(z.number().positive())
      .default([])
      .describe('temperatures, beside 1, that training may choose from'),
    precision: z
      .enum(['uint8', 'float16', 'float32'])
      .default('float16')
      .describe('number format of log-probabilities; with uint8, tail masses are float16'),
    batch_tokens: z
      .union([z.int().positive(), z.literal('auto')])
      .default(8192)
      .describe('tokens of a forward batch, padding included; auto: as free memory allows'),
    head_block: z.int().positive().default(512).describe('positions whose logits are in memory at a time'),
    shard_tokens: z
      .int()
      .positive()
      .default(131_072)
      .describe('loss positions after which a shard is closed and committed: what a killed run may lose'),
    fidelity_sequences: z
      .int()
      .min(0)
      .default(16)
      .describe('sequences, spread over the sources, that the teacher reads again to compare; 0 for none'),
    slurm: slurmConfig
      .optional()
      .describe('what LAUNCH=slurm asks the cluster for: partition, gres, time, cpus_per_task, mem, ...'),
  })
  .refine(({ min_k, top_k }) => min_k <= top_k, { path: ['min_k'], error: 'must not exceed top_k' })
  .refine(({ method, temperatures }) => method === 'topk' || temperatures.every((T) => T === 1), {
    path: ['temperatures'],
    error: 'tokens are drawn at temperature 1 alone; with method: sample leave this out',
  });

export type LogitsConfig = z.infer<typeof logitsConfig>;

/** Temperatures of the cache: 1, then the others in ascending order. */
export function temperaturesOf({ temperatures }: Pick<LogitsConfig, 'temperatures'>): number[] {
  const others = new Set(temperatures.filter((T) => T !== 1));
  return [1, ...[...others].sort((a, b) => a - b)];
}

/** What is kept of a distribution, as far as the method heeds it. */
export function keptBy({ method, draws, draw_seed, top_k, mass, min_k, min_probability }: LogitsConfig) {
  return method === 'sample' ? { draws, draw_seed } : { top_k, mass, min_k, min_probability };
}
