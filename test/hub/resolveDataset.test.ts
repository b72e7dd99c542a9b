// Which files of a dataset are fetched, from the Hub and from a folder here: a glob, one split of one configuration, the
// Hub's converted copy where the repository has nothing that we read. The rules have their own test (chooseSplits.test.ts).
import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { resolveDataset } from '../../pipeline/hub/resolveDataset.ts';
import { sourcesConfig, type DatasetSource } from '../../pipeline/hub/sourcesConfig.ts';
import type { Progress } from '../../pipeline/terminal/stageProgress.ts';
import { hubScene, writeFiles } from './hubScene.ts';

const write = (folder: string, names: string[]) =>
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, `rows of ${name}`])));
const root = t.testdir({});
const configs = [
  'v0/train-00000-of-00001.parquet',
  'v1/train-00000-of-00002.parquet',
  'v1/train-00001-of-00002.parquet',
  'v1/test-00000-of-00001.parquet',
];
const repositories = {
  'datasets/org/configs': write(`${root}/configs`, [...configs, 'README.md']),
  'datasets/org/csv': write(`${root}/csv`, ['rows.csv', 'README.md']),
  'datasets/org/csv@refs/convert/parquet': write(`${root}/converted`, [
    'default/train/0000.parquet',
    'default/test/0000.parquet',
  ]),
  'datasets/org/json': write(`${root}/json`, ['rows.json']),
  'datasets/org/json@refs/convert/parquet': write(`${root}/json2`, ['default/train/0000.parquet']),
  'datasets/org/large': write(`${root}/large`, ['rows.csv']),
  'datasets/org/large@refs/convert/parquet': write(`${root}/large2`, ['default/partial-train/0000.parquet']),
  'datasets/org/carded': writeFiles(`${root}/carded`, {
    'README.md':
      '---\nconfigs:\n- config_name: default\n  data_files: some/*\n- config_name: all\n  data_files:\n' +
      '  - { split: train, path: some/a.jsonl }\n  - { split: test, path: c.jsonl }\n---\n',
    'some/a.jsonl': '{"a": 1}',
    'some/b.jsonl': '{"a": 2}',
    'c.jsonl': '{"a": 3}',
    'package.json': '{}',
  }),
  'datasets/org/text': write(`${root}/text`, ['a.txt', 'b.csv']),
};

/** Names below the snapshot of the files that a source stands for. */
async function namesOf(source: DatasetSource, progress: Progress = () => undefined): Promise<string[]> {
  const { files, revision } = await resolveDataset(source, {
    field: 'datasets.d',
    previous: undefined,
    progress,
  });
  return files.map(({ path }) => path.split(`${revision ?? root}/`)[1]!);
}

t.test('one split of one configuration', async (t) => {
  await hubScene(t, { repositories });
  const reference = 'org/configs';
  t.same(await namesOf({ reference, config: 'v1' }), configs.slice(1, 3));
  t.same(await namesOf({ reference, config: 'v1', split: 'test' }), configs.slice(3));
  t.same(await namesOf({ reference, files: 'v0/**' }), configs.slice(0, 1));
  t.same(
    await namesOf({ reference: `${root}/configs`, config: 'v0' }),
    ['configs/v0/train-00000-of-00001.parquet'],
    'of a folder, too',
  );
  const message = (name: string) => ({
    name: 'UserError',
    message: `${name}: config = "v2": no such configuration; it has v0, v1`,
  });
  await t.rejects(namesOf({ reference, config: 'v2' }), message('org/configs'));
  await t.rejects(namesOf({ reference: `${root}/configs`, config: 'v2' }), message(`${root}/configs`));
  const several = { message: /configs: it has several configurations: v0, v1; name one: config: v0$/ };
  await t.rejects(namesOf(reference), several);
  await t.rejects(namesOf(`${root}/configs`), several);
});

t.test('the converted copy stands in for what we do not read', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  t.same(await namesOf('org/csv'), ['default/train/0000.parquet']);
  t.same(await namesOf({ reference: 'org/csv', split: 'test' }), ['default/test/0000.parquet']);
  t.same(await namesOf('org/json'), ['rows.json'], 'but not for what we do');
  t.same(await namesOf({ reference: 'org/json', split: 'train' }), ['rows.json']);
  t.same(await namesOf('org/csv@main'), ['default/train/0000.parquet'], '"main" is what is meant without it');
  t.same(await namesOf('org/csv@refs/convert/parquet'), ['default/train/0000.parquet']);
  const commit = hub.commit('datasets/org/csv');
  await t.rejects(namesOf({ reference: `org/csv@${commit}`, split: 'train' }), {
    message: `org/csv: split = "train": is in files that are not read here: rows.csv; the Hub converts "main" only, not "${commit}"`,
  });
  await t.rejects(namesOf({ reference: 'org/csv', files: '*.csv' }), {
    message: 'datasets.d: no data file matches "*.csv"',
  });
});

t.test('a copy of only the beginning is said to be one', async (t) => {
  await hubScene(t, { repositories });
  const told: string[] = [];
  t.same(await namesOf('org/large', (line) => told.push(line)), ['default/partial-train/0000.parquet']);
  t.match(told, [
    'org/large: the Hub has converted only the beginning of "train"; the other rows are missing',
    /^org\/large: 1 file, /,
    /^org\/large: /,
  ]);
});

t.test('the card decides, and is fetched for that', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  t.same(await namesOf('org/carded'), ['some/a.jsonl', 'some/b.jsonl']);
  t.same(await namesOf({ reference: 'org/carded', config: 'all', split: 'test' }), ['c.jsonl']);
  t.same(
    [...hub.sent.keys()].sort(),
    ['README.md', 'c.jsonl', 'some/a.jsonl', 'some/b.jsonl'].map((name) => `datasets/org/carded/${name}`),
    'and nothing else',
  );
  t.same(await namesOf(`${root}/carded`), ['carded/some/a.jsonl', 'carded/some/b.jsonl'], 'of a folder, too');
  t.same(
    await namesOf({ reference: 'org/carded', files: 'c.*' }),
    ['c.jsonl'],
    'but not about files that are named',
  );
});

t.test('a file of this machine is itself', async (t) => {
  const reference = `${root}/carded/c.jsonl`;
  t.same(await namesOf(reference), ['carded/c.jsonl']);
  await t.rejects(namesOf({ reference, split: 'train' }), {
    message: `datasets.d = "${reference}": a file has no configurations and no splits`,
  });
});

t.test('a dataset with neither ends in the list of its files', async (t) => {
  await hubScene(t, { repositories });
  const message =
    'org/text: split = "train": is in files that are not read here: b.csv; the Hub has no converted copy of it: save it as Parquet or JSON Lines and name that folder';
  await t.rejects(namesOf('org/text'), { name: 'UserError', message });
  await t.rejects(namesOf({ reference: 'org/text', split: 'train' }), { name: 'UserError', message });
  await t.rejects(namesOf(`${root}/text`), {
    message: `${root}/text: split = "train": is in files that are not read here: b.csv; convert it to Parquet or JSONL`,
  });
});

t.test('offline, the same files', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  const sources: DatasetSource[] = [
    'org/csv',
    'org/json',
    'org/carded',
    { reference: 'org/configs', config: 'v1' },
  ];
  const online = await Promise.all(sources.map((source) => namesOf(source)));
  const asked = hub.requests.length;
  process.env.HF_HUB_OFFLINE = '1';
  t.same(await Promise.all(sources.map((source) => namesOf(source))), online);
  t.equal(hub.requests.length, asked);
  await t.rejects(namesOf('org/text'), { message: /^org\/text@main: not in the cache/ });
});

t.test('offline, a card that the cache lacks is told, and the names of the files decide', async (t) => {
  const { cache } = await hubScene(t, { repositories });
  const source = { reference: 'org/configs', config: 'v1' };
  const online = await namesOf(source);
  const [card] = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('/README.md'),
  );
  rmSync(join(cache, card!));
  process.env.HF_HUB_OFFLINE = '1';
  const told: string[] = [];
  const progress = (line: string) => told.push(line);
  const { files } = await resolveDataset(source, { field: 'datasets.d', previous: undefined, progress });
  t.same(
    files.map(({ path }) => basename(path)),
    online.map((name) => basename(name)),
  );
  t.same(told, ['org/configs: its card is not in the cache, so the names of its files decide']);
});

t.test('files go with neither config nor split', (t) => {
  const check = (dataset: object) =>
    sourcesConfig.safeParse({
      teacher: 'a',
      student: 'b',
      datasets: { d: { reference: 'org/d', ...dataset } },
    });
  t.ok(check({ config: 'v1', split: 'train' }).success);
  t.match(check({ config: 'v1', files: '**' }).error?.message, /take either/);
  t.end();
});
