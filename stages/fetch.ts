// make fetch: brings a recipe's models and datasets to this machine and notes where they are (pipeline/hub).
import { join } from 'node:path';
import { fetchSources } from '../pipeline/hub/fetchSources.ts';
import { sourcesConfig } from '../pipeline/hub/sourcesConfig.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'fetch',
  summary: 'Resolves the models and datasets of a recipe, downloading or converting what is not there yet.',
  options: {
    out: { describe: 'folder to write sources.json and the symlinks sources/* to', required: true },
  },
  schema: sourcesConfig,
  logFile: ({ out }) => join(out, 'fetch.log'),
  run: async ({ config, options: { out }, progress }) => {
    const { teacher, student, datasets } = await fetchSources({ config, out, progress });
    for (const [role, model] of Object.entries({ teacher, student }))
      console.log(`${role.padEnd(20)} ${model.fingerprint}  ${model.path}`);
    for (const [name, { files }] of Object.entries(datasets)) {
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      console.log(`${name.padEnd(20)} ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
    }
  },
});
