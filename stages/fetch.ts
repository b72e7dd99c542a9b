// make fetch: brings a recipe's models and datasets to this machine and notes where they are (pipeline/hub). The files of
// all stages are checked first, and what benchmarks read is fetched first: it is small, and a dataset that is not open to
// the user shows before the models are here.
import { join } from 'node:path';
import { benchmarksOf } from '../pipeline/eval/evalConfig.ts';
import { fetchTasks } from '../pipeline/eval/prompts/loadTask.ts';
import { fetchSources } from '../pipeline/hub/fetchSources.ts';
import { sourcesConfig } from '../pipeline/hub/sourcesConfig.ts';
import { readWritten, type RecipeConfigs } from '../pipeline/plan/readRecipe.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import type { Progress } from '../pipeline/terminal/stageProgress.ts';

await stageCommand({
  name: 'fetch',
  summary: 'Resolves the models and datasets of a recipe, downloading or converting what is not there yet.',
  options: {
    out: { describe: 'folder to write sources.json and the symlinks sources/* to', required: true },
    recipe: { describe: "folder of the recipe: its files are checked, its benchmarks' data is fetched too" },
  },
  schema: sourcesConfig,
  logFile: ({ out }) => join(out, 'fetch.log'),
  run: async ({ config, options: { out, recipe }, progress }) => {
    if (recipe !== undefined) await fetchBenchmarks(await readWritten(recipe, config), progress);
    const { teacher, student, datasets } = await fetchSources({ config, out, progress });
    for (const [role, model] of Object.entries({ teacher, student }))
      console.log(`${role.padEnd(20)} ${model.fingerprint}  ${model.path}`);
    for (const [name, { files }] of Object.entries(datasets)) {
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const counted = files.length === 1 ? '1 file' : `${files.length} files`;
      console.log(`${name.padEnd(20)} ${counted}, ${(bytes / 1e6).toFixed(1)} MB`);
    }
  },
});

/** The benchmarks that the mix is kept clean of, and those that are asked: later stages then need no network. */
async function fetchBenchmarks(
  { mix, eval: evaluation }: Partial<RecipeConfigs>,
  progress: Progress,
): Promise<void> {
  if (mix) {
    const statedIn = { file: 'mix.yaml', field: 'decontaminate.data' };
    const { tasks, data } = mix.decontaminate;
    await fetchTasks(tasks, { data, statedIn, numFewshot: 0, progress });
  }
  if (evaluation) {
    const { data, num_fewshot: numFewshot } = evaluation;
    const shots = numFewshot === undefined ? {} : { numFewshot };
    await fetchTasks(benchmarksOf(evaluation), { data, progress, ...shots });
  }
}
