// make logits LAUNCH=…: the logits stage in shares, as tasks of a cluster or processes of this machine (pipeline/launch).
import { launchLogits } from '../pipeline/launch/launchLogits.ts';
import { logitsConfig } from '../pipeline/logits/logitsConfig.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'launch',
  summary: 'Runs the logits stage in shares, several at a time, and then merges them.',
  options: {
    mix: { describe: 'folder of the mix stage', required: true },
    teacher: { describe: 'folder of the teacher stage, or any checkpoint folder', required: true },
    original: { describe: 'model folder that the teacher was quantized from' },
    out: { describe: 'folder to write the shards and manifest.json to', required: true },
    launch: { describe: 'slurm (a job array) or local (processes of this machine)' },
    shards: { describe: 'number of shares' },
  },
  schema: logitsConfig,
  run: ({ config, options, progress }) => launchLogits({ ...options, config, progress }),
});
