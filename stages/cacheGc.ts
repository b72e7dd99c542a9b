// make cache-gc: removes cached logits that nothing refers to any more (pipeline/logits/cacheGc.ts).
import { join } from 'node:path';
import { UserError } from '../pipeline/config/userError.ts';
import { collectGarbage } from '../pipeline/logits/cacheGc.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'cacheGc',
  summary: 'Removes the shards of logits that no manifest refers to.',
  options: {
    runs: { describe: "folders of recipes' runs, with commas between them", required: true },
    'dry-run': { describe: 'without a value: only print what would be removed' },
  },
  run: async ({ options: { runs, 'dry-run': dryRun }, progress }) => {
    if (dryRun) throw new UserError({ field: '--dry-run', value: dryRun, problem: 'takes no value' });
    const folders = runs.split(',').map((run) => join(run, 'logits'));
    const garbage = await collectGarbage(folders, { dryRun: dryRun !== undefined, notice: progress });
    for (const { file, bytes } of garbage) console.log(`${file} ${bytes} bytes`);
    const total = garbage.reduce((sum, { bytes }) => sum + bytes, 0);
    const verb = dryRun === undefined ? 'removed' : 'to be removed';
    console.log(`${garbage.length} files ${verb}, ${(total / 1e6).toFixed(1)} MB`);
  },
});
