// The key `slurm` of logits.yaml: what the cluster is asked for, for each task of a job array. It says how the work is
// done, not what is made, so no fingerprint knows it.
import { z } from 'zod';

const word = z.string().regex(/^\S+$/, 'expected one word');
const wordOrNumber = z.union([word, z.int().positive()]);

export const slurmConfig = z.strictObject({
  partition: word.optional(),
  account: word.optional(),
  qos: word.optional(),
  gres: word.optional(),
  time: wordOrNumber.optional(),
  cpus_per_task: z.int().positive().optional(),
  mem: wordOrNumber.optional(),
  /** Most tasks that run at a time. */
  at_once: z.int().positive().optional(),
  /** Any others, as sbatch takes them. */
  flags: z.array(z.string().regex(/^-[^\n]+$/, 'expected a flag of sbatch such as --exclusive')).default([]),
});

export type SlurmConfig = z.infer<typeof slurmConfig>;
