// make fetch: brings a recipe's models and datasets to this machine and notes where they are (pipeline/hub). What its
// benchmarks read comes first: it is small, and a dataset that is not open to the user shows before the models are here.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../pipeline/config/loadConfig.ts';
import { benchmarksOf, evalConfig } from '../pipeline/eval/evalConfig.ts';
import { fetchTasks } from '../pipeline/eval/prompts/loadTask.ts';
import { fetchSources } from '../pipeline/hub/fetchSources.ts';
import { sourcesConfig } from '../pipeline/hub/sourcesConfig.ts';
import { mixConfig } from '../pipeline/mix/mixConfig.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import type { Progress } from '../pipeline/terminal/stageProgress.ts';

await stageCommand({
  name: 'fetch',
  summary: 'Resolves the models and datasets of a recipe, downloading or converting what is not there yet.',
  options: {
    out: { describe: 'folder to write sources.json and the symlinks sources/* to', required: true },
    recipe: { describe: 'folder whose mix.yaml and eval.yaml name benchmarks, which are then fetched too' },
  },
  schema: sourcesConfig,
  logFile: ({ out }) => join(out, 'fetch.log'),
  run: async ({ config, options: { out, recipe }, progress }) => {
    if (recipe !== undefined) await fetchBenchmarks(recipe, progress);
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
async function fetchBenchmarks(recipe: string, progress: Progress): Promise<void> {
  const [mix, evaluation] = ['mix.yaml', 'eval.yaml'].map((name) => join(recipe, name)) as [string, string];
  if (existsSync(mix)) {
    const { tasks, data } = (await loadConfig(mixConfig, { file: mix })).decontaminate;
    const statedIn = { file: 'mix.yaml', field: 'decontaminate.data' };
    await fetchTasks(tasks, { data, statedIn, numFewshot: 0, progress });
  }
  if (existsSync(evaluation)) {
    const config = await loadConfig(evalConfig, { file: evaluation });
    const { data, num_fewshot: numFewshot } = config;
    const shots = numFewshot === undefined ? {} : { numFewshot };
    await fetchTasks(benchmarksOf(config), { data, progress, ...shots });
  }
}
