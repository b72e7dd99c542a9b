// Models and datasets from a Hub (hubServer.ts): what is downloaded, where it lies, and what is said when it fails.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { resolveDataset } from '../../pipeline/hub/resolveDataset.ts';
import { resolveModel } from '../../pipeline/hub/resolveModel.ts';
import { modelFingerprint, openCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { checkpointFromGguf } from '../../pipeline/model/ggufCheckpoint.ts';
import { sha256Of } from '../fileBytes.ts';
import { startHub, type HubServer } from './hubServer.ts';

const TINY = 'test/golden/gguf/tiny-llama.gguf';
const root = t.testdir({ model: {}, ggufs: { sub: {} }, data: { v0: {}, v1: {} } });
process.env.REDISTILL_CACHE = join(root, 'cache');
process.env.HF_HOME = join(root, 'home');
delete process.env.HF_TOKEN;

const original = await checkpointFromGguf(TINY);
cpSync(original, join(root, 'model'), { recursive: true });
mkdirSync(join(root, 'model', 'original'));
for (const name of [
  'README.md',
  'pytorch_model.bin',
  'original/consolidated.safetensors',
  'model.fp16.safetensors',
])
  writeFileSync(join(root, 'model', name), 'not wanted');
writeFileSync(join(root, 'ggufs', 'sub', 'tiny.gguf'), readFileSync(TINY));
for (const name of [
  'v0/train.jsonl',
  'v1/train-0.jsonl',
  'v1/train-1.jsonl',
  'README.md',
  'dataset_infos.json',
])
  writeFileSync(join(root, 'data', name), `{"row": "${name}"}\n`);
const repositories = {
  'models/org/tiny': join(root, 'model'),
  'models/org/ggufs': join(root, 'ggufs'),
  'datasets/org/data': join(root, 'data'),
};

let caches = 0;
/** Points the process to a hub and to a Hugging Face cache of its own, which it returns. */
function use(hub: Pick<HubServer, 'url'>): string {
  process.env.HF_ENDPOINT = hub.url;
  return (process.env.HF_HUB_CACHE = join(root, `hub-${caches++}`));
}
const progress = () => undefined;
const model = (reference: string) =>
  resolveModel(reference, { field: 'teacher', previous: undefined, progress });

t.test('a model: its own files only, in the layout of the Hugging Face cache', async (t) => {
  const hub = await startHub({ repositories });
  t.teardown(hub.close);
  const store = join(use(hub), 'models--org--tiny');
  const commit = hub.commit('models/org/tiny');
  const found = await model('org/tiny');
  t.same(found, {
    reference: 'org/tiny',
    revision: commit,
    path: join(store, 'snapshots', commit),
    fingerprint: await modelFingerprint(original),
  });
  t.same(readdirSync(found.path).sort(), [...readdirSync(original), 'README.md'].sort());
  t.equal(readFileSync(join(store, 'refs', 'main'), 'utf8'), commit);
  const weights = readFileSync(join(original, 'model.safetensors'));
  const sha256 = sha256Of(weights);
  t.equal(readlinkSync(join(found.path, 'model.safetensors')), join('..', '..', 'blobs', sha256));
  await (await openCheckpoint(found.path)).close();
  await t.test('nothing is downloaded twice', async (t) => {
    const before = hub.requests.length;
    t.same(await model('org/tiny'), found);
    t.notOk(hub.requests.slice(before).some((request) => request.includes('/resolve/')));
    t.same(await model(`org/tiny@${commit}`), { ...found, reference: `org/tiny@${commit}` });
  });
  await t.test('a model noted before is taken without asking the Hub, if it is still whole', async (t) => {
    await hub.close();
    const again = () => resolveModel('org/tiny', { field: 'teacher', previous: found, progress });
    t.same(await again(), found);
    writeFileSync(join(found.path, 'config.json'), '{}');
    await t.rejects(again(), { message: /cannot be reached/ });
  });
});

t.test('one GGUF of a repository', async (t) => {
  const hub = await startHub({ repositories });
  t.teardown(hub.close);
  use(hub);
  const found = await model('org/ggufs@main/sub/tiny.gguf');
  t.match(found, { path: original, revision: hub.commit('models/org/ggufs') });
  await t.rejects(model('org/ggufs/other.gguf'), { message: /has no other\.gguf; it has sub\/tiny\.gguf/ });
  await t.rejects(model('org/ggufs'), {
    message: /has no config\.json and safetensors; it has sub\/tiny\.gguf/,
  });
});

t.test('a dataset: its data files, or those of a glob', async (t) => {
  const hub = await startHub({ repositories });
  t.teardown(hub.close);
  use(hub);
  const dataset = (
    source: Parameters<typeof resolveDataset>[0],
    previous?: Awaited<ReturnType<typeof resolveDataset>>,
  ) => resolveDataset(source, { field: 'datasets.d', previous, progress });
  const all = await dataset('org/data');
  t.same(
    all.files.map(({ path }) => path.split(all.revision!)[1]),
    ['/v0/train.jsonl', '/v1/train-0.jsonl', '/v1/train-1.jsonl'],
  );
  const content = readFileSync(join(root, 'data/v0/train.jsonl'));
  t.match(all.files[0], {
    bytes: content.length,
    sha256: sha256Of(content),
  });
  const some = await dataset({ reference: 'org/data', files: 'v1/**' });
  t.same(some.files, all.files.slice(1));
  const before = hub.requests.length;
  t.same(await dataset('org/data', all), all);
  t.equal(hub.requests.length, before, 'what was noted before is taken without asking');
  t.same((await dataset({ reference: 'org/data', files: 'v0/*' }, all)).files, all.files.slice(0, 1));
  await t.rejects(dataset({ reference: 'org/data', files: 'v2/*' }), {
    message: /no data file matches "v2\/\*"; there are v0/,
  });
});

t.test('a file that arrives changed or cut is refused and not kept', async (t) => {
  const flipped = (content: Buffer) =>
    Buffer.concat([content.subarray(0, -1), Buffer.from([content.at(-1)! ^ 1])]);
  for (const [change, message] of [
    [flipped, /model\.safetensors: arrived with sha256 [0-9a-f]{64}, the Hub says/],
    [(content: Buffer) => content.subarray(1), /model\.safetensors: arrived with \d+ bytes, the Hub says/],
  ] as const) {
    const corrupt = (path: string, content: Buffer) =>
      path === 'model.safetensors' ? change(content) : content;
    const hub = await startHub({ repositories, corrupt });
    t.teardown(hub.close);
    const cache = use(hub);
    await t.rejects(model('org/tiny'), { name: 'UserError', message });
    const blobs = readdirSync(join(cache, 'models--org--tiny', 'blobs'));
    t.notOk(
      blobs.some((name) => /^[0-9a-f]{64}/.test(name)),
      'at most the small files',
    );
  }
});

t.test('what cannot be had is one line', async (t) => {
  const hub = await startHub({ repositories, token: 'hf_secret' });
  t.teardown(hub.close);
  use(hub);
  await t.rejects(model('org/tiny'), {
    name: 'UserError',
    message: /^org\/tiny@main: no such model, or a private one; .*set HF_TOKEN$/,
  });
  process.env.HF_TOKEN = 'two words';
  await t.rejects(model('org/tiny'), { message: /^HF_TOKEN: a token is one word of ASCII characters$/ });
  process.env.HF_TOKEN = 'hf_secret';
  t.teardown(() => delete process.env.HF_TOKEN);
  t.ok(existsSync((await model('org/tiny')).path), 'the token is sent');
  await t.rejects(model('org/none'), {
    message: /^org\/none@main: no such model, or a private one; check the name, and that/,
  });
  await t.rejects(model('org/tiny@v9'), { message: /^org\/tiny@v9: no such revision; / });
  use({ url: 'http://127.0.0.1:9' });
  await t.rejects(model('org/tiny'), { message: /127\.0\.0\.1:9 cannot be reached.*HF_ENDPOINT$/ });
});
