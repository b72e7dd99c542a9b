// stages/mix.ts: makes the training samples of a recipe out of its datasets (pipeline/mix).
import { stageCommand } from '../pipeline/config/stageCommand.ts';
import { makeMix, type MixStatistics } from '../pipeline/mix/makeMix.ts';
import { mixConfig } from '../pipeline/mix/mixConfig.ts';

await stageCommand({
  name: 'mix',
  summary: 'Reads the datasets, renders and tokenizes their rows, and writes a seeded mix of them.',
  options: {
    tokenizer: {
      describe: 'model folder with tokenizer.json, tokenizer_config.json and chat template',
      required: true,
    },
    out: { describe: 'folder to write the mix to', required: true },
    'sources-file': { describe: "sources.json of the stage fetch (default: in --out's parent folder)" },
  },
  schema: mixConfig,
  run: async ({ config, options }) => {
    const { manifest, upToDate } = await makeMix({
      config,
      tokenizerFolder: options.tokenizer,
      out: options.out,
      sourcesFile: options['sources-file'],
      progress: (line) => console.error(`mix: ${line}`),
    });
    if (upToDate) console.log(`${options.out}: up to date`);
    else printTable(manifest.statistics as MixStatistics);
  },
});

function printTable({ sources, total }: MixStatistics): void {
  const row = (cells: (string | number)[]) =>
    console.log(
      cells.map((cell, i) => (i === 0 ? String(cell).padEnd(20) : String(cell).padStart(11))).join(''),
    );
  row(['source', 'rows read', 'rejected', 'wanted', 'kept', 'held out', 'tokens', 'mean', 'max']);
  for (const [name, { rows_read, rejected, wanted, ...own }] of Object.entries(sources)) {
    const rejections = Object.values(rejected).reduce((sum, rows) => sum + rows, 0);
    row([
      name,
      rows_read,
      rejections,
      wanted,
      own.kept,
      own.held_out,
      own.tokens,
      own.mean_tokens,
      own.max_tokens,
    ]);
  }
  row(['total', '', '', '', total.kept, total.held_out, total.tokens, total.mean_tokens, total.max_tokens]);
  for (const [name, { wanted, kept }] of Object.entries(sources))
    if (kept < wanted) console.error(`mix: ${name} gave ${kept} of the ${wanted} samples wanted`);
}
