// The YAML files of a recipe, checked one by one and against each other: by make plan, and by make fetch before hours of
// downloads and stages, whose own files are read only when it is their turn.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { loadConfig, nearest } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { benchmarksOf, evalConfig } from '../eval/evalConfig.ts';
import { expandTasks } from '../eval/prompts/taskCatalog.ts';
import { sourcesConfig, type SourcesConfig } from '../hub/sourcesConfig.ts';
import { logitsConfig } from '../logits/logitsConfig.ts';
import { mixConfig, type MixConfig } from '../mix/mixConfig.ts';
import { teacherConfig } from '../teacher/teacherConfig.ts';
import { trainConfig } from '../train/trainConfig.ts';

const SCHEMAS = {
  sources: sourcesConfig,
  mix: mixConfig,
  teacher: teacherConfig,
  logits: logitsConfig,
  train: trainConfig,
  eval: evalConfig,
};

/** The parameters of every stage. */
export type RecipeConfigs = { [Stage in keyof typeof SCHEMAS]: z.infer<(typeof SCHEMAS)[Stage]> };

/** @throws UserError naming file and key for what is not right. */
export async function readRecipe(recipe: string): Promise<RecipeConfigs> {
  const configs: Record<string, unknown> = {};
  for (const [stage, schema] of Object.entries(SCHEMAS))
    configs[stage] = await loadConfig(schema, { file: fileOf(recipe, stage) });
  await checkNames(recipe, configs);
  return configs as RecipeConfigs;
}

/**
 * As far as the recipe is written: files that are not there yet are left out.
 * @param sources what the stage fetch was given
 * @throws UserError naming file and key for what is not right.
 */
export async function readWritten(recipe: string, sources: SourcesConfig): Promise<Partial<RecipeConfigs>> {
  const configs: Record<string, unknown> = { sources };
  for (const [stage, schema] of Object.entries(SCHEMAS))
    if (stage !== 'sources' && existsSync(fileOf(recipe, stage)))
      configs[stage] = await loadConfig(schema, { file: fileOf(recipe, stage) });
  await checkNames(recipe, configs);
  return configs;
}

function fileOf(recipe: string, stage: string): string {
  return join(recipe, `${stage}.yaml`);
}

/** Names that one file uses and another, or the list of tasks, has to know. */
async function checkNames(
  recipe: string,
  { sources, mix, eval: evaluation }: Partial<RecipeConfigs>,
): Promise<void> {
  if (mix && sources) checkDatasets(mix, { sources, file: fileOf(recipe, 'mix') });
  if (mix) await expandTasks(mix.decontaminate.tasks, { source: fileOf(recipe, 'mix') });
  if (evaluation) await expandTasks(benchmarksOf(evaluation), { source: fileOf(recipe, 'eval') });
}

function checkDatasets(mix: MixConfig, { sources, file }: { sources: SourcesConfig; file: string }): void {
  const known = Object.keys(sources.datasets);
  const missing = Object.keys(mix.sources).find((name) => !known.includes(name));
  if (missing === undefined) return;
  const near = nearest(missing, known);
  throw new UserError({
    ...{ file, field: `sources.${missing}`, problem: 'no dataset of this name in sources.yaml' },
    remedy: near ? `did you mean "${near}"?` : `there are ${known.join(', ') || 'none'}`,
  });
}
