// expected.yaml of a recipe: what its original published of the student before and after, with where that stands, so that
// a report can set our scores beside it. A figure whose metric the source leaves open has none, and nothing is compared.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { loadConfig } from '../config/loadConfig.ts';

const percent = z.number().min(0).max(100);

/** The schema of expected.yaml. */
export const expectedScores = z.strictObject({
  before: z.string().describe('model that the original started from'),
  after: z.string().describe('model that it ended with'),
  source: z.url().describe('page that the figures were taken from'),
  notes: z.array(z.string()).default([]).describe('what is to be known of the figures'),
  scores: z.array(
    z.strictObject({
      task: z.string().describe('task or group, as in eval.yaml'),
      metric: z.string().optional().describe('key in results.json, such as "acc,none"; left out: not said'),
      name: z.string().optional().describe('tells figures of one task apart'),
      shots: z.int().nonnegative(),
      before: percent,
      after: percent,
    }),
  ),
});

export type ExpectedScores = z.infer<typeof expectedScores>;

/**
 * What `recipe`/expected.yaml holds, or undefined for a recipe without an original. Scores are in percent.
 * @throws UserError naming file and key for anything else.
 */
export async function readExpectedScores(recipe: string): Promise<ExpectedScores | undefined> {
  const file = join(recipe, 'expected.yaml');
  return existsSync(file) ? loadConfig(expectedScores, { file }) : undefined;
}
