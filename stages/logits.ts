// make logits: the teacher reads the mix once; what it finds most probable goes into Arrow files (pipeline/logits).
import { dumpLogits, pendingShares } from '../pipeline/logits/dumpLogits.ts';
import { logitsConfig } from '../pipeline/logits/logitsConfig.ts';
import { logitsSummary } from '../pipeline/logits/logitsSummary.ts';
import type { LogitsStatistics } from '../pipeline/logits/logitsStatistics.ts';
import { parseShare, parseShareCount } from '../pipeline/logits/share.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'logits',
  summary: "Stores the teacher's most probable tokens at every loss position of the mix.",
  options: {
    mix: { describe: 'folder of the mix stage', required: true },
    teacher: {
      describe: 'folder of the teacher stage, or any checkpoint folder (then unquantized, in bfloat16)',
      required: true,
    },
    original: {
      describe: 'model folder that the teacher was quantized from, to compare them on a few sequences',
    },
    out: { describe: 'folder to write the shards and manifest.json to', required: true },
    shard: { describe: 'i/n: make only the i-th of n parts; a run without it finishes the artifact' },
    pending: { describe: 'n: print which of n parts lack shards, as JSON, and make nothing' },
  },
  schema: logitsConfig,
  run: async ({ config, options: { shard, pending, ...folders }, progress }) => {
    if (pending !== undefined) {
      const of = parseShareCount('--pending', pending);
      console.log(JSON.stringify(await pendingShares({ ...folders, config, progress }, of)));
      return;
    }
    const share = shard === undefined ? undefined : parseShare(shard);
    const { upToDate, manifest } = await dumpLogits({ ...folders, config, share, progress });
    if (upToDate) console.log(`${folders.out}: up to date`);
    else if (manifest) console.log(logitsSummary(manifest.statistics as LogitsStatistics));
    else console.log(`${folders.out}: part ${shard} is done`);
  },
});
