// `make study`: whether distillation works, on real weights and real text. The recipe's student learns GSM8K from its
// teacher in four ways and once from the text alone, three times each; prints the table and writes all scores as JSON.
// It takes most of an hour on two cores; one that is stopped goes on where it stood.
//   node --import tsx test/study/gsm8kStudy.ts [--only before,kd-0,ce-0]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { commitJson } from '../../pipeline/artifact/jsonFile.ts';
import { reportErrors } from '../../pipeline/terminal/stageCommand.ts';
import { runStudy } from './runStudy.ts';
import { comparisonLines, comparisons, studyTable } from './studyTable.ts';

/** Half the recipe's step: 31 steps of the 300 rows. */
const TRAINING = { batch_tokens: '2048' };

await reportErrors('study', async () => {
  const given = await yargs(hideBin(process.argv))
    .options({
      data: { default: '../shared/data/gsm8k/train.jsonl', describe: 'rows with question and answer' },
      recipe: { default: 'data/recipes/smollm2', describe: 'folder of the YAML files' },
      sources: { default: 'data/runs/smollm2/sources', describe: 'folder with teacher and student' },
      out: { default: 'data/runs/study', describe: 'work folder' },
      train: { default: 300, describe: 'rows to train on, from the first' },
      'held-out': { default: 200, describe: 'rows held out, up to the last' },
      seeds: { default: 3, describe: 'runs of each variant' },
      only: {
        type: 'string',
        describe: 'rows of the table to make, by name: before, kd-0, ce-2 and the like',
      },
    })
    .strict()
    .parseAsync();
  if (!existsSync(given.data)) return console.log(`study: skipped, as it needs ${given.data}`);
  const progress = (line: string) => console.error(`study: ${line}`);
  const [teacher, student] = [join(given.sources, 'teacher'), join(given.sources, 'student')];
  const seeds = Array.from({ length: given.seeds }, (_, seed) => seed);
  const options = { ...given, teacher, student, seeds, training: TRAINING, only: given.only?.split(',') };
  const rows = await runStudy({ ...options, progress });
  const compared = comparisons(rows);
  if (!given.only) await commitJson(join(given.out, 'study.json'), { rows, compared });
  console.log(studyTable(rows) + comparisonLines(compared));
});
