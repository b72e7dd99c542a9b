// Data files by name, and globs over names.
import t from 'tap';
import { globPattern } from '../../pipeline/config/globPattern.ts';
import { dataFiles } from '../../pipeline/hub/dataFiles.ts';

t.test('data files by name and glob, in order', (t) => {
  const names = [
    'data/train-0.parquet',
    'b.jsonl',
    'a.json',
    'README.md',
    'dataset_infos.json',
    'x/dataset_info.json',
  ];
  t.same(dataFiles(names), ['a.json', 'b.jsonl', 'data/train-0.parquet']);
  t.same(dataFiles(names, '*.json'), ['a.json']);
  t.end();
});

t.test('globs', (t) => {
  const names = ['a.json', 'v1/a.json', 'v1/x/b.parquet', 'v10/a.json'];
  const matches = (glob: string) => names.filter((name) => globPattern(glob).test(name));
  t.same(matches('*.json'), ['a.json']);
  t.same(matches('**/*.json'), ['a.json', 'v1/a.json', 'v10/a.json']);
  t.same(matches('v1/**'), ['v1/a.json', 'v1/x/b.parquet']);
  t.same(matches('v?/a.json'), ['v1/a.json']);
  t.same(matches('v[0-3]/a.json'), ['v1/a.json']);
  t.same(matches('v[!2-9]*/a.json'), ['v1/a.json', 'v10/a.json']);
  t.same(matches('v[3-0]/a.json'), [], 'a range that runs backwards is empty');
  t.same(matches('v[x/a.json'), [], 'a bracket alone is a character');
  t.ok(globPattern('a[.json').test('a[.json'));
  t.end();
});
