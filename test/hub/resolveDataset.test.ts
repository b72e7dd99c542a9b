// Which files of a dataset are taken: a glob, one split of one configuration, the Hub's converted copy where the
// repository has nothing that we read; and the names that there are, where nothing fits.
import t from 'tap';
import { resolveDataset } from '../../pipeline/hub/resolveDataset.ts';
import { sourcesConfig, type DatasetSource } from '../../pipeline/hub/sourcesConfig.ts';
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
  'datasets/org/text': write(`${root}/text`, ['a.txt', 'b.csv']),
};

/** Names below the snapshot of the files that a source stands for. */
async function namesOf(source: DatasetSource): Promise<string[]> {
  const { files, revision } = await resolveDataset(source, {
    field: 'datasets.d',
    previous: undefined,
    progress: () => undefined,
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
  await t.rejects(namesOf({ reference, config: 'v2' }), {
    name: 'UserError',
    message: `org/configs: v2.train: no Parquet files of this split; there are ${[configs[0], configs[3], configs[1], configs[2]].join(', ')}`,
  });
  await t.rejects(namesOf({ reference: `${root}/configs`, config: 'v2' }), {
    message: /v2\.train: no Parquet files/,
  });
});

t.test('the converted copy stands in for what we do not read', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  t.same(await namesOf('org/csv'), ['default/train/0000.parquet']);
  t.same(await namesOf({ reference: 'org/csv', split: 'test' }), ['default/test/0000.parquet']);
  t.same(await namesOf('org/json'), ['rows.json'], 'but not for what we do');
  t.same(await namesOf({ reference: 'org/json', split: 'train' }), ['default/train/0000.parquet']);
  const pinned = { reference: `org/csv@${hub.commit('datasets/org/csv')}`, split: 'train' };
  await t.rejects(namesOf(pinned), {
    message: /^org\/csv: train: no Parquet .*; there are README\.md, rows\.csv$/,
  });
});

t.test('a dataset with neither ends in the list of its files', async (t) => {
  await hubScene(t, { repositories });
  const message = 'org/text: train: no Parquet files of this split; there are a.txt, b.csv';
  await t.rejects(namesOf('org/text'), { name: 'UserError', message });
  await t.rejects(namesOf({ reference: 'org/text', split: 'train' }), { name: 'UserError', message });
});

t.test('offline, the same files', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  const sources: DatasetSource[] = ['org/csv', 'org/json', { reference: 'org/configs', config: 'v1' }];
  const online = await Promise.all(sources.map(namesOf));
  const asked = hub.requests.length;
  process.env.HF_HUB_OFFLINE = '1';
  t.same(await Promise.all(sources.map(namesOf)), online);
  t.equal(hub.requests.length, asked);
  await t.rejects(namesOf('org/text'), { message: /^org\/text@main: not in the cache/ });
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
