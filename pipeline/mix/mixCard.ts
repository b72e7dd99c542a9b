// README.md of a mix: its dataset card, by which load_dataset and the Hub's viewer find mix.parquet among the JSON beside
// it. As held-out rows are in that file too, its split is called "mix" and not "train"; the column `split` tells them apart.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { markdownTable } from '../artifact/markdownTable.ts';
import type { MixStatistics } from './mixStatistics.ts';

const metadata = {
  configs: [{ config_name: 'default', data_files: [{ split: 'mix', path: 'mix.parquet' }] }],
};

const columns = [
  ['id', 'name of the sample: a hash of its tokens and of which are learned'],
  ['source, file, row', 'where it is from; rows count from 0'],
  ['split', '`train`, or `held_out` for what is never trained on'],
  ['prompt', 'as the chat template renders it'],
  ['response', 'what is learned, without its end token'],
  ['token_count', 'tokens of both together'],
];

/** Commits `folder`/README.md. */
export function writeMixCard(
  folder: string,
  { sources, total }: Pick<MixStatistics, 'sources' | 'total'>,
): Promise<FileRecord> {
  const rows = Object.entries({ ...sources, 'in all': total }).map(([name, { kept, held_out, tokens }]) => [
    name,
    ...[kept - held_out, held_out, tokens].map(String),
  ]);
  const parts = [
    `---\n${stringify(metadata)}---`,
    '# Training mix',
    'Chat samples mixed by redistill. `tokens.arrow` holds the same samples as tokens, `rejected.jsonl` what was left out and why.',
    markdownTable([['source', 'train', 'held out', 'tokens'], ...rows]),
    markdownTable([['column', 'what it holds'], ...columns]),
  ];
  return commitBytes(join(folder, 'README.md'), parts.join('\n\n') + '\n');
}
