// sources.yaml: the models and datasets of a recipe, by reference (see reference.ts for the forms).
import { z } from 'zod';

const reference = z.string().min(1);
const modelSource = z.union([
  reference,
  z.strictObject({
    reference,
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
      .describe('of the wheel, for a pypi: reference'),
  }),
]);
const prunedSource = z.strictObject({
  prune: z.strictObject({
    from: reference.describe('"teacher", or the reference of another model'),
    keep_layers: z
      .array(z.int().nonnegative())
      .min(1)
      .describe('numbers of the layers to keep, the first being 0'),
  }),
});
const datasetSource = z.union([
  reference,
  z
    .strictObject({
      reference,
      files: z
        .string()
        .optional()
        .describe('glob of the files to fetch, such as "v1/**" (default: those of one split)'),
      config: z
        .string()
        .optional()
        .describe("configuration (subset) to take (default: the only one, or the dataset's default)"),
      split: z.string().optional().describe('split of it to take (default: train)'),
    })
    .refine(
      ({ files, config, split }) => files === undefined || (config === undefined && split === undefined),
      'take either "files" or "config" and "split"',
    ),
]);

/** The schema of sources.yaml. */
export const sourcesConfig = z.strictObject({
  teacher: modelSource.describe('the model to learn from'),
  student: z.union([modelSource, prunedSource]).describe('the model to train'),
  datasets: z.record(z.string(), datasetSource).describe('the data, by the names that mix.yaml uses'),
});

export type SourcesConfig = z.infer<typeof sourcesConfig>;
export type ModelSource = z.infer<typeof modelSource>;
export type StudentSource = SourcesConfig['student'];
export type DatasetSource = z.infer<typeof datasetSource>;
