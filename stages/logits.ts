// stages/logits.ts: the teacher reads the mix once; what it finds most probable goes into Arrow files (pipeline/logits).
import { stageCommand } from '../pipeline/config/stageCommand.ts';
import { dumpLogits, parseShare } from '../pipeline/logits/dumpLogits.ts';
import { logitsConfig } from '../pipeline/logits/logitsConfig.ts';
import type { LogitsStatistics } from '../pipeline/logits/logitsStatistics.ts';

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
  run: async ({ config, options: { mix, teacher, out, shard } }) => {
    const share = shard === undefined ? undefined : parseShare(shard);
    const progress = (line: string) => console.error(`logits: ${line}`);
    const { upToDate, manifest } = await dumpLogits({ config, mix, teacher, out, share, progress });
    if (upToDate) console.log(`${out}: up to date`);
    else if (manifest) printTable(manifest.statistics as LogitsStatistics);
    else console.log(`${out}: part ${shard} is done`);
  },
});

function printTable({ sources, total, fidelity, vocabulary_size }: LogitsStatistics): void {
  row(['source', 'samples', 'tokens', 'mean k', 'bytes/token', 'mean tail', 'p99 tail']);
  for (const [name, source] of [...Object.entries(sources), ['total', total] as const])
    row([
      ...[name, source.samples, source.tokens, source.mean_k.toFixed(1), source.bytes_per_token.toFixed(1)],
      ...[source.mean_tail_mass.toPrecision(3), source.p99_tail_mass.toPrecision(3)],
    ]);
  const { kl_live_cache, sequences, tokens } = fidelity;
  console.log(
    `KL(live teacher || cache) ${kl_live_cache.toExponential(2)} nats a token ` +
      `(${sequences} sequences, ${tokens} tokens), vocabulary ${vocabulary_size}`,
  );
}

function row(cells: (string | number)[]): void {
  console.log(
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(20) : String(cell).padStart(12))).join(''),
  );
}
