// make compare: the trainings of a recipe beside each other (pipeline/report/compareRuns.ts), to stdout.
import { compareRuns, readFinishedModels } from '../pipeline/report/compareRuns.ts';
import { readRun } from '../pipeline/report/readRun.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'compare',
  summary: 'Prints the trainings of a recipe side by side: what differs, and their final figures.',
  options: { run: { describe: 'folder of the run, as data/runs/smollm2', required: true } },
  run: async ({ options: { run: folder } }) => {
    const run = await readRun(folder);
    process.stdout.write(compareRuns(run, await readFinishedModels(folder, run)));
  },
});
