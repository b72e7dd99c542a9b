// The parameters of the mix stage (mix.yaml): which datasets, how much of each, and what becomes a training sample.
// A user's own data needs a name, a share and `columns`; the formats named here know the quirks of the original five.
import { z } from 'zod';
import { datasetFormats } from './datasetFormats.ts';
import { syntaxProblem } from './rowFilter.ts';

const system = z.string().optional().describe('column with the system message (default: none)');

const messagesColumn = z.strictObject({
  messages: z
    .string()
    .describe(
      'column with a list of {role, content} or {from, value}, the last assistant message being the target',
    ),
  system,
});

const promptAndResponseColumns = z.strictObject({
  prompt: z.string().describe("column with the user's message, or with messages yet to be answered"),
  response: z.string().describe('column with the answer to learn; of a list the first text'),
  context: z
    .string()
    .optional()
    .describe(
      'column with what the prompt is about, put behind it after a blank line, if any (default: none)',
    ),
  reasoning: z
    .string()
    .optional()
    .describe('column with a trace to put before the answer between think tags (default: none)'),
  system,
});

const formatNames = [
  'auto',
  'columns',
  'numina_r1',
  ...(Object.keys(datasetFormats) as (keyof typeof datasetFormats)[]),
] as const;

const mixSource = z
  .strictObject({
    weight: z
      .number()
      .positive()
      .optional()
      .describe('share of what the counts leave of total, relative to the other weights'),
    count: z.number().int().nonnegative().optional().describe('samples from this source (instead of weight)'),
    format: z
      .enum(formatNames)
      .optional()
      .describe(
        'layout of the rows; "auto" and "numina_r1" find it by the names of the columns, "columns" is described by columns (default: "columns" with columns, else "auto")',
      ),
    columns: z
      .union([promptAndResponseColumns, messagesColumn])
      .optional()
      .describe('names of the columns; what lies in them by dots, such as meta.text'),
    where: z
      .string()
      .refine((where) => syntaxProblem(where) === undefined, {
        error: ({ input }) => syntaxProblem(String(input))!,
      })
      .optional()
      .describe('condition on the columns (CEL), such as type != "GSM_SV" && size(response) < 4000'),
    files: z
      .string()
      .optional()
      .describe('glob of the files to read, such as "**/train-*.parquet" (default: all data files)'),
  })
  .refine(({ weight, count }) => (weight === undefined) !== (count === undefined), {
    error: 'needs either weight or count',
  })
  .refine(
    ({ format, columns }) => format === undefined || (format === 'columns') === (columns !== undefined),
    {
      error: 'needs columns exactly when its format is "columns"',
    },
  );

const nearDuplicates = z
  .strictObject({
    similarity: z
      .number()
      .positive()
      .max(1)
      .default(0.8)
      .describe(
        'Jaccard similarity of word n-grams from which a row repeats another; 1: the same words only',
      ),
    words: z.number().int().positive().default(5).describe('words of an n-gram'),
    compare: z
      .enum(['prompt_and_response', 'prompt'])
      .default('prompt_and_response')
      .describe('the text compared: several answers to one prompt stay, or one of them'),
  })
  .prefault({});

const decontamination = z
  .strictObject({
    tasks: z
      .array(z.string())
      .default([])
      .describe('benchmarks or groups as in eval.yaml, such as gsm8k, mmlu; each that is evaluated'),
    data: z
      .record(z.string(), z.record(z.string(), z.string()))
      .default({})
      .describe('files in place of the datasets on the Hub, {TASK or GROUP: {SPLIT: FILE}}, as in eval.yaml'),
  })
  .prefault({});

export const mixConfig = z
  .strictObject({
    seed: z
      .number()
      .int()
      .default(0)
      .describe('decides which rows are taken, which are held out, and the order'),
    total: z.number().int().positive().describe('samples in the mix, held-out ones included'),
    held_out: z.number().int().nonnegative().default(0).describe('samples set aside to measure training by'),
    max_tokens: z
      .number()
      .int()
      .positive()
      .describe('longest sample, prompt and end token included, in tokens'),
    overlength: z
      .enum(['drop', 'truncate'])
      .default('drop')
      .describe('longer samples are dropped, or lose the end of their response'),
    min_response_tokens: z
      .number()
      .int()
      .positive()
      .default(1)
      .describe('shortest response, without its end token, in tokens'),
    system_prompt: z
      .string()
      .nullable()
      .default(null)
      .describe("system message of rows that bring none; null leaves it to the chat template's own default"),
    loss_on: z
      .enum(['response', 'all'])
      .default('response')
      .describe('what is learned: the response and its end token, or every token but the first'),
    near_duplicates: nearDuplicates.describe(
      'what counts as a repetition of another row, and is left out: {similarity, words, compare}',
    ),
    decontaminate: decontamination.describe(
      'benchmarks whose items must not be in the mix, and are left out: {tasks, data}',
    ),
    sources: z
      .record(z.string(), mixSource)
      .describe(
        'the datasets by their name in sources.json, each with weight or count, format, columns, where, files',
      ),
  })
  .superRefine(({ held_out, total, sources }, context) => {
    const complain = (key: string, input: unknown, message: string) =>
      context.addIssue({ code: 'custom', path: [key], input, message });
    if (held_out >= total) complain('held_out', held_out, `must be less than total (${total})`);
    const problem = shareProblem(Object.values(sources), total);
    if (problem) complain('total', total, problem);
  });

export type MixConfig = z.infer<typeof mixConfig>;
export type MixSource = MixConfig['sources'][string];

/** What is wrong with the shares of the sources, if anything. */
function shareProblem(
  sources: readonly { count?: number | undefined; weight?: number | undefined }[],
  total: number,
): string | undefined {
  if (sources.length === 0) return 'sources names no dataset';
  const counted = sources.reduce((sum, { count = 0 }) => sum + count, 0);
  if (counted > total) return `the counts add up to ${counted}, more`;
  const allCounted = sources.every(({ weight }) => weight === undefined);
  return counted < total && allCounted
    ? `the counts add up to ${counted}, less, and no source has a weight for the rest`
    : undefined;
}

/** What of the parameters a mix depends on, and its manifest holds: not where the benchmarks' rows lie. */
export function mixParameters(config: MixConfig) {
  return { ...config, decontaminate: { tasks: config.decontaminate.tasks } };
}
