// make report: one page about all that a run has so far (pipeline/report). Scores also go to stdout.
import { commitBytes } from '../pipeline/artifact/commitFile.ts';
import { readDistributions } from '../pipeline/report/distributions.ts';
import { readRun } from '../pipeline/report/readRun.ts';
import { reportPage } from '../pipeline/report/reportPage.ts';
import { scoreText, taskScores } from '../pipeline/report/scoreTables.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'report',
  summary: 'Writes a page about a run, whichever of its stages have run.',
  options: {
    run: { describe: 'folder of the run, as data/runs/smollm2', required: true },
    out: { describe: 'HTML file to write', required: true },
  },
  run: async ({ options: { run: folder, out } }) => {
    const run = await readRun(folder);
    await commitBytes(out, await reportPage(run, await readDistributions(folder, run)));
    for (const scores of taskScores(run)) console.log(scoreText(scores));
    console.log(out);
  },
});
