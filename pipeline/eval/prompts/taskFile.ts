// The form of a task file: one benchmark, or a family of tasks that differ in a few keys. Files lie in tasks/; what they
// name are things of lm-evaluation-harness 0.4.13, so that its scores and ours mean the same.
import { z } from 'zod';
import { docDerivations, docProcessors } from './docFunctions.ts';
import type { FilterStep, TaskMetric } from './evalItem.ts';

const metric: z.ZodType<TaskMetric> = z.strictObject({
  metric: z.enum(['acc', 'acc_norm', 'acc_bytes', 'exact_match', 'mc2', 'ifeval']),
  regexes_to_ignore: z.array(z.string()).exactOptional(),
  ignore_case: z.boolean().exactOptional(),
  ignore_punctuation: z.boolean().exactOptional(),
});

const filterStep: z.ZodType<FilterStep> = z.discriminatedUnion('function', [
  z.strictObject({
    function: z.literal('regex'),
    regex_pattern: z.string(),
    group_select: z.int().exactOptional(),
    fallback: z.string().exactOptional(),
  }),
  z.strictObject({ function: z.literal('remove_whitespace') }),
  z.strictObject({ function: z.literal('take_first') }),
]);

/** The right answer: the index of a choice, or a field with the index or text of one. */
const answer = z.union([
  z.int(),
  z.strictObject({ field: z.string() }),
  /** Where the value of one field stands in the list that is another. */
  z.strictObject({ index_of: z.string(), in: z.string() }),
]);

const common = {
  alias: z.string().optional(),
  version: z.number(),
  dataset: z.string(),
  dataset_config: z.string().optional(),
  splits: z.strictObject({
    train: z.string().optional(),
    validation: z.string().optional(),
    test: z.string().optional(),
    fewshot: z.string().optional(),
  }),
  /** Unset: 0 unless the user asks for shots. A task that says 0 stays at 0 whatever is asked, as in the harness. */
  num_fewshot: z.int().nonnegative().optional(),
  sampler: z.enum(['default', 'first_n']).default('default'),
  /** Shots that the benchmark itself gives, instead of a split. */
  samples: z.array(z.record(z.string(), z.string())).optional(),
  process_docs: z.enum(Object.keys(docProcessors) as (keyof typeof docProcessors)[]).optional(),
  derive: z.enum(Object.keys(docDerivations) as (keyof typeof docDerivations)[]).optional(),
  description: z.string().default(''),
  target_delimiter: z.string().default(' '),
  fewshot_delimiter: z.string().default('\n\n'),
  metrics: z.array(metric).min(1),
  filters: z
    .array(z.strictObject({ name: z.string(), steps: z.array(filterStep) }))
    .default([{ name: 'none', steps: [{ function: 'take_first' }] }]),
};

/** One task with all its keys; `kind` says how it asks. */
export const taskDefinition = z.discriminatedUnion('kind', [
  /** One prompt, continued by each choice. */
  z.strictObject({
    ...common,
    kind: z.literal('multiple_choice'),
    prompt: z.string(),
    choices: z.union([z.array(z.string()), z.strictObject({ field: z.string() })]),
    answer,
  }),
  /** One prompt per choice, all with the same continuation. */
  z.strictObject({
    ...common,
    kind: z.literal('multiple_contexts'),
    contexts: z.strictObject({ field: z.string() }),
    continuation: z.string(),
    answer,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('generate_until'),
    prompt: z.string(),
    target: z.string(),
    until: z.array(z.string()),
    max_gen_toks: z.int().positive().default(256),
  }),
]);

export type TaskDefinition = z.infer<typeof taskDefinition>;

/** Tasks or groups whose scores are reported together. */
const groupDefinition = z.strictObject({
  alias: z.string().optional(),
  version: z.number().optional(),
  tasks: z.array(z.string()).min(1),
  metrics: z.array(
    z.strictObject({ metric: z.enum(['acc', 'acc_norm', 'exact_match']), weight_by_size: z.boolean() }),
  ),
});

export type GroupDefinition = z.infer<typeof groupDefinition>;

/** A file: keys shared by its tasks, each task's own keys by its name, and groups by theirs. */
export const taskFile = z.looseObject({
  tasks: z.record(z.string(), z.record(z.string(), z.unknown())),
  groups: z.record(z.string(), groupDefinition).default({}),
});
