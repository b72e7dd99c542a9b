// make logits: the teacher reads the mix once; what it finds most probable goes into Arrow files (pipeline/logits).
import { dumpLogits, parseShare } from '../pipeline/logits/dumpLogits.ts';
import { logitsConfig } from '../pipeline/logits/logitsConfig.ts';
import type { LogitsStatistics } from '../pipeline/logits/logitsStatistics.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import { textTable } from '../pipeline/terminal/textTable.ts';

await stageCommand({
  name: 'logits',
  summary: "Stores the teacher's most probable tokens at every loss position of the mix.",
  options: {
    mix: { describe: 'folder of the mix stage', required: true },
    teacher: {
      describe: 'folder of the teacher stage, or any checkpoint folder (then unquantized, in bfloat16)',
      required: true,
    },
    out: { describe: 'folder to write the shards and manifest.json to', required: true },
    shard: { describe: 'i/n: make only the i-th of n parts; a run without it finishes the artifact' },
  },
  schema: logitsConfig,
  run: async ({ config, options: { mix, teacher, out, shard }, progress }) => {
    const share = shard === undefined ? undefined : parseShare(shard);
    const { upToDate, manifest } = await dumpLogits({ config, mix, teacher, out, share, progress });
    if (upToDate) console.log(`${out}: up to date`);
    else if (manifest) console.log(summaryOf(manifest.statistics as LogitsStatistics));
    else console.log(`${out}: part ${shard} is done`);
  },
});

function summaryOf({ sources, total, fidelity, vocabulary_size }: LogitsStatistics): string {
  const rows = [...Object.entries(sources), ['total', total] as const].map(([name, source]) => [
    ...[name, source.samples, source.tokens, source.mean_k.toFixed(1), source.bytes_per_token.toFixed(1)],
    ...[source.mean_tail_mass.toPrecision(3), source.p99_tail_mass.toPrecision(3)],
  ]);
  const head = ['source', 'samples', 'tokens', 'mean k', 'bytes/token', 'mean tail', 'p99 tail'];
  const { kl_live_cache, sequences, tokens } = fidelity;
  return (
    textTable([head, ...rows]) +
    `KL(live teacher || cache) ${kl_live_cache.toExponential(2)} nats a token ` +
    `(${sequences} sequences, ${tokens} tokens), vocabulary ${vocabulary_size}`
  );
}
