// make mix: the training samples of a recipe out of its datasets (pipeline/mix). A line for each source to stdout.
import { makeMix } from '../pipeline/mix/makeMix.ts';
import type { MixStatistics } from '../pipeline/mix/mixStatistics.ts';
import { mixConfig } from '../pipeline/mix/mixConfig.ts';
import { reasonsText } from '../pipeline/mix/rejection.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import { textTable } from '../pipeline/terminal/textTable.ts';

await stageCommand({
  name: 'mix',
  summary: 'Reads the datasets, renders and tokenizes their rows, and writes a seeded mix of them.',
  options: {
    tokenizer: {
      describe: 'model folder with tokenizer.json, tokenizer_config.json and chat template',
      required: true,
    },
    out: { describe: 'folder to write the mix to', required: true },
    // not --sources, which overrides the key `sources` of mix.yaml
    'sources-file': { describe: "sources.json of the stage fetch (default: in --out's parent folder)" },
  },
  schema: mixConfig,
  run: async ({
    config,
    options: { tokenizer: tokenizerFolder, out, 'sources-file': sourcesFile },
    progress,
  }) => {
    const { manifest, upToDate } = await makeMix({ config, tokenizerFolder, out, sourcesFile, progress });
    if (upToDate) return console.log(`${out}: up to date`);
    const statistics = manifest.statistics as MixStatistics;
    console.log(summaryOf(statistics));
    const overlap = overlapOf(statistics);
    if (overlap) console.log(overlap);
    for (const [name, { wanted, kept, rejected }] of Object.entries(statistics.sources))
      if (kept < wanted)
        progress(`${name} gave ${kept} of the ${wanted} samples wanted; left out: ${reasonsText(rejected)}`);
  },
});

function summaryOf({ sources, total }: MixStatistics): string {
  const lengths = (own: MixStatistics['total']) => [
    ...[own.kept, own.held_out, own.tokens, own.mean_tokens, own.max_tokens],
  ];
  const rows = Object.entries(sources).map(([name, { rows_read, rejected, wanted, ...own }]) => {
    const rejections = Object.values(rejected).reduce((sum, rows) => sum + rows, 0);
    return [name, rows_read, rejections, wanted, ...lengths(own)];
  });
  const head = ['source', 'rows read', 'rejected', 'wanted', 'kept', 'held out', 'tokens', 'mean', 'max'];
  return textTable([head, ...rows, ['total', '', '', '', ...lengths(total)]]).trimEnd();
}

/** What of the benchmarks' items was turned down; undefined when mix.yaml names none. */
function overlapOf({ benchmarks, sources }: MixStatistics): string | undefined {
  const tasks = Object.entries(benchmarks);
  if (tasks.length === 0) return undefined;
  const rows = Object.values(sources).reduce(
    (sum, { rejected }) => sum + (rejected.benchmark_overlap ?? 0),
    0,
  );
  const found = tasks.filter(([, task]) => task.found > 0);
  const named = found.map(([task, { found, items }]) => `${task} ${found} of ${items} items`);
  if (rows === 0) return `benchmarks: no row holds an item of ${tasks.map(([task]) => task).join(', ')}`;
  const detail = named.length > 0 ? `: ${named.join(', ')}` : '';
  return `benchmarks: ${rows} rows held items of ${found.length} of ${tasks.length} tasks${detail}`;
}
