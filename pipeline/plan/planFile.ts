// plan.json in a run's folder: what a plan expects of every stage, so that a report can set beside it what was used.
// Bytes are bytes, times seconds, work FLOP; a stage's memory is given part by part and adds up to memory_bytes.
import { join } from 'node:path';
import { z } from 'zod';
import { commitJson, readJsonObject } from '../artifact/jsonFile.ts';
import { validate } from '../config/loadConfig.ts';

const FORMAT_VERSION = 1;

/** The stages that a plan tells memory and time of, in their order. */
export const PLANNED_STAGES = ['teacher', 'logits', 'train', 'eval'] as const;
export type PlannedStage = (typeof PLANNED_STAGES)[number];

const amount = z.number().nonnegative();
const ofStages = z.record(z.enum(PLANNED_STAGES), amount);
const sizeSchema = z.object({ reference: z.string(), bytes: amount, cached_bytes: amount });

const planSchema = z.object({
  format_version: z.literal(FORMAT_VERSION),
  recipe: z.string(),
  models: z.record(z.enum(['teacher', 'student']), sizeSchema.extend({ parameters: amount })),
  /** By the names of sources.yaml. */
  datasets: z.record(z.string(), sizeSchema),
  /** `measured` says that mix/ is there; otherwise it is an estimate. */
  mix: z.object({ samples: amount, tokens: amount, target_tokens: amount, measured: z.boolean() }),
  cache: z.object({ bytes_per_token: amount, measured: z.boolean() }),
  /** Bytes under the run's folder, by what takes them. */
  disk: z.record(z.string(), amount),
  stages: z.record(
    z.enum(PLANNED_STAGES),
    z.object({ memory: z.record(z.string(), amount), memory_bytes: amount, flops: amount }),
  ),
  /** The machine that the plan was made on, and what each stage takes there. */
  here: z.object({
    device: z.string(),
    memory_bytes: amount,
    free_disk_bytes: amount,
    matmul_flops_per_second: amount,
    seconds: ofStages,
  }),
  /** Named GPUs: times and the price of all of them. */
  machines: z.record(
    z.string(),
    z.object({ seconds: ofStages, dollars: amount, does_not_fit: z.array(z.enum(PLANNED_STAGES)) }),
  ),
  /** What does not fit, and what would make it fit. */
  problems: z.array(
    z.object({ what: z.string(), where: z.string(), problem: z.string(), remedy: z.string() }),
  ),
  assumptions: z.array(z.string()),
});

export type Plan = z.infer<typeof planSchema>;

/** Commits `run`/plan.json. */
export async function writePlan(run: string, plan: Omit<Plan, 'format_version'>): Promise<void> {
  await commitJson(join(run, 'plan.json'), { format_version: FORMAT_VERSION, ...plan });
}

/** What `run`/plan.json holds, or undefined when no plan was made. @throws UserError for anything else. */
export async function readPlan(run: string): Promise<Plan | undefined> {
  const file = join(run, 'plan.json');
  const raw = await readJsonObject(file);
  return raw && validate(planSchema, raw, () => file);
}
