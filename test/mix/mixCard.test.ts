// The mix as others open it: by its dataset card among the JSON that lies beside it, with Python's datasets as with our
// own reader of datasets; and mix.parquet itself in DuckDB and pandas.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { localFiles } from '../../pipeline/hub/resolveDataset.ts';
import { writeMixCard } from '../../pipeline/mix/mixCard.ts';
import { writeMixParquet } from '../../pipeline/mix/mixParquet.ts';
import { python, withoutModules } from '../needs.ts';

const counts = (kept: number, held_out: number) => ({
  ...{ kept, held_out, tokens: 10 * kept, target_tokens: 4 * kept, mean_tokens: 10, max_tokens: 10 },
});
const source = { ...counts(3, 1), rows_read: 9, wanted: 3, rejected: {}, columns: {} };
const rows = ['train', 'held_out', 'train'].map((split, row) => ({
  ...{ id: `id${row}`, source: 'a|b', file: 'a.jsonl', row, split },
  ...{ prompt: 'How many?', response: `${row} …`, token_count: 10 },
}));

/** A folder with what makeMix writes beside mix.parquet. */
async function mixFolder(folder: string): Promise<string> {
  await writeMixParquet(folder, rows);
  await writeMixCard(folder, { sources: { 'a|b': source }, total: counts(3, 1) });
  for (const name of ['manifest.json', 'contamination.json', 'rejected.jsonl', 'usage.json'])
    writeFileSync(join(folder, name), '{"kind": "mix"}\n');
  return folder;
}

t.test('its table, and its split for a mix of mixes', async (t) => {
  const folder = await mixFolder(t.testdir({}));
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  t.match(card, '| a\\|b | 2 | 1 | 30 |\n| in all | 2 | 1 | 30 |');
  const mixed = await localFiles(folder, { reference: folder, split: 'mix' }, 'datasets.d');
  t.same(mixed, [join(folder, 'mix.parquet')]);
  await t.rejects(localFiles(folder, { reference: folder }, 'datasets.d'), {
    message: /split = "train": no such split; it has mix$/,
  });
});

t.test('load_dataset', { skip: withoutModules('datasets') }, async (t) => {
  const folder = await mixFolder(t.testdir({}));
  const script = `
import json, sys, datasets
found = datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[1] + "/cache")
print(json.dumps({split: rows.to_list() for split, rows in found.items()}))`;
  const output = execFileSync(python, ['-c', script, folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.strictSame(JSON.parse(output), { mix: rows });
});

t.test('DuckDB and pandas', { skip: withoutModules('duckdb', 'pandas') }, async (t) => {
  const folder = await mixFolder(t.testdir({}));
  const script = `
import json, sys, duckdb, pandas
path = sys.argv[1] + "/mix.parquet"
query = "select split, count(*), sum(token_count)::int from read_parquet('" + path + "') group by split order by split"
print(json.dumps([duckdb.sql(query).fetchall(), pandas.read_parquet(path).to_dict("records")]))`;
  const output = execFileSync(python, ['-c', script, folder], { encoding: 'utf8' });
  const grouped = [
    ['held_out', 1, 10],
    ['train', 2, 20],
  ];
  t.strictSame(JSON.parse(output), [grouped, rows]);
});
