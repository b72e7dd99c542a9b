// Which files of a dataset may hold its rows, by their names: repositories also hold cards, scripts, and JSON that is no
// data. What a glob of the user's names is taken as it is; where nobody names files, those of tools are left out too.
import { globPattern } from '../config/globPattern.ts';

/** Of the file names (with "/" between folders) those of data files that match the glob, in order. */
export function dataFiles(names: readonly string[], glob = '**'): string[] {
  const pattern = globPattern(glob);
  return names.filter((name) => isDataFile(name) && pattern.test(name)).sort();
}

function isDataFile(name: string): boolean {
  return (
    /\.(parquet|(json|jsonl|ndjson)(\.gz|\.zst)?)$/.test(name) && !/(^|\/)dataset_infos?\.json$/.test(name)
  );
}

/** What the rows of a dataset are kept as; the mix reads the first two. */
export type RowFormat = 'parquet' | 'json' | 'csv' | 'arrow';

const ENDINGS: readonly [RowFormat, RegExp][] = [
  ['parquet', /\.parquet$/],
  ['json', /\.(json|jsonl|ndjson)(\.gz|\.zst)?$/],
  ['csv', /\.(csv|tsv)(\.\w+)?$/],
  ['arrow', /\.arrow$/],
];

/** The format that a file of rows has by its name; undefined for all other files. */
export function rowFormat(name: string): RowFormat | undefined {
  return ENDINGS.find(([, ending]) => ending.test(name))?.[0];
}

/** JSON of datasets (the Python library's), of models and tokenizers, of packages. */
const NO_ROWS =
  /^(dataset_infos?|dataset_dict|state|(.+_)?config|tokenizer.*|special_tokens_map|added_tokens|vocab|model_index|.+\.index|package|package-lock|tsconfig.*|croissant)\.json$/;

/** Whether a file is none of the data unless it is named: hidden, in a hidden folder or one with "__", JSON of a tool. */
export function isIncidental(name: string): boolean {
  const parts = name.split('/');
  const base = parts.pop()!;
  const isAside = base.startsWith('.') || parts.some((part) => /^(\.|__)/.test(part));
  return isAside || NO_ROWS.test(base);
}
