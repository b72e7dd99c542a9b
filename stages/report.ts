// stages/report.ts: one page about all that a run has so far (pipeline/report). Scores also go to stdout.
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { commitBytes } from '../pipeline/artifact/commitFile.ts';
import { reportErrors } from '../pipeline/config/stageCommand.ts';
import { UserError } from '../pipeline/config/userError.ts';
import { readRun } from '../pipeline/report/readRun.ts';
import { reportPage } from '../pipeline/report/reportPage.ts';
import { scoreText, taskScores } from '../pipeline/report/scoreTables.ts';

await reportErrors('report', async () => {
  const { run: folder, out } = await yargs(hideBin(process.argv))
    .scriptName('stages/report.ts')
    .usage('$0 --run DIR --out FILE\n\nWrites a page about a run, whichever of its stages have run.')
    .options({
      run: { describe: 'folder of the run, as data/runs/smollm2', type: 'string', demandOption: true },
      out: { describe: 'HTML file to write', type: 'string', demandOption: true },
    })
    .parserConfiguration({ 'duplicate-arguments-array': false })
    .strict()
    .version(false)
    .wrap(110)
    .fail((message, error) => {
      throw error instanceof Error
        ? error
        : new UserError({ problem: message, remedy: 'run "stages/report.ts --help"' });
    })
    .parseAsync();
  const run = await readRun(folder);
  await commitBytes(out, await reportPage(run));
  for (const scores of taskScores(run)) console.log(scoreText(scores));
  console.log(out);
});
