// What a plan asks of the Hub goes the way of every download: the token wherever it is kept, another try when the Hub is
// busy, nothing asked offline, and what the cache holds is read from there.
import { join } from 'node:path';
import t from 'tap';
import { listHubFiles } from '../../pipeline/plan/hubFiles.ts';
import { hubScene, madeUpBytes, writeFiles } from '../hub/hubScene.ts';

const weights = madeUpBytes(100_000);
const folder = writeFiles(t.testdir(), { 'config.json': '{}', 'a b/model.safetensors': weights });
const repositories = { 'models/org/m': folder };
const model = { type: 'model', name: 'org/m' } as const;
const token = 'hf_secret';

t.test('a private repository, with the token that "hf auth login" wrote, and a busy moment', async (t) => {
  const { hub } = await hubScene(t, {
    ...{ repositories, token },
    faults: ({ path, before }) =>
      path.endsWith('.safetensors') && before === 0
        ? { status: 503, headers: { 'retry-after': '0' } }
        : undefined,
  });
  writeFiles(process.env.HF_HOME!, { token });
  const { files, source } = await listHubFiles(model);
  const file = files.find(({ path }) => path.endsWith('.safetensors'))!;
  t.match(file, { path: 'a b/model.safetensors', bytes: 100_000, isCached: false });
  const read = await source(file).read({ position: 1000, length: 500 });
  t.ok(weights.subarray(1000, 1500).equals(read));
  t.equal(hub.sent.get('models/org/m/a b/model.safetensors'), 500);
  t.same(hub.leaked, []);
});

t.test('what is in the cache is read there; offline the rest is named', async (t) => {
  const { hub, fetch } = await hubScene(t, { repositories });
  const { revision } = await fetch(model, (names) => names.filter((name) => name === 'config.json'));
  const asked = hub.requests.length;
  process.env.HF_HUB_OFFLINE = '1';
  const { files, source } = await listHubFiles({ ...model, revision });
  const [config, lacking] = ['config.json', join('a b', 'model.safetensors')].map((name) =>
    files.find(({ path }) => path === name)!,
  );
  t.equal(Buffer.from(await source(config!).read({ position: 0, length: 2 })).toString(), '{}');
  await t.rejects(source(lacking!).read({ position: 0, length: 8 }), {
    name: 'UserError',
    message:
      /^org\/m@[0-9a-f]{40}: not in the cache, and the Hub may not be asked; .* without HF_HUB_OFFLINE$/,
  });
  t.equal(hub.requests.length, asked);
});
