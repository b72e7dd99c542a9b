// The cache alone: HF_HUB_OFFLINE, and a Hub that does not answer. What is not in the cache is named.
import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { hubCacheFolder, hubTokenFile } from '../../pipeline/hub/hubCache.ts';
import { hubScene, madeUpBytes, setHubEnvironment, writeFiles } from './hubScene.ts';

const files = { 'model.safetensors': madeUpBytes(1000), 'config.json': '{}', 'sub/notes.txt': 'x' };
const folder = writeFiles(t.testdir(), files);
const repositories = { 'models/org/m': folder, 'datasets/org/d': folder };
const model = { type: 'model', name: 'org/m' } as const;
const onlyConfig = (names: string[]) => names.filter((name) => name === 'config.json');

t.test('offline nothing is asked, and the cache answers', async (t) => {
  const { hub, fetch } = await hubScene(t, { repositories });
  const online = await fetch(model);
  const asked = hub.requests.length;
  for (const [variable, value] of [
    ['HF_HUB_OFFLINE', '1'],
    ['HF_HUB_OFFLINE', 'TRUE'],
    ['TRANSFORMERS_OFFLINE', 'yes'],
  ] as const) {
    process.env[variable] = value;
    t.same(await fetch(model), online);
    t.same(await fetch({ ...model, revision: online.revision }), online);
    Reflect.deleteProperty(process.env, variable);
  }
  t.equal(hub.requests.length, asked);
  process.env.HF_HUB_OFFLINE = '0';
  t.same(await fetch(model), online);
  t.ok(hub.requests.length > asked, 'otherwise the Hub is asked which commit "main" is');
});

t.test('offline, what the cache lacks is named', async (t) => {
  const { fetch, cache } = await hubScene(t, { repositories });
  const { folder: found } = await fetch(model, onlyConfig);
  process.env.HF_HUB_OFFLINE = '1';
  t.same((await fetch(model, onlyConfig)).folder, found, 'what was chosen then is there');
  const end = `(${cache}); run the same command once without HF_HUB_OFFLINE`;
  await t.rejects(fetch(model), {
    name: 'UserError',
    message: `org/m@main: the cache lacks model.safetensors, sub/notes.txt ${end}`,
  });
  await t.rejects(fetch({ ...model, revision: 'v1' }), { message: `org/m@v1: not in the cache ${end}` });
  await t.rejects(fetch({ type: 'dataset', name: 'org/d' }), {
    message: `org/d@main: not in the cache ${end}`,
  });
});

t.test('a Hub that is out of reach, or too busy, is replaced by the cache, and that is said', async (t) => {
  const { hub, fetch, told } = await hubScene(t, {
    repositories,
    faults: ({ path }) =>
      path.includes('/api/datasets/') && isBusy
        ? { status: 503, headers: { 'retry-after': '0' } }
        : undefined,
  });
  let isBusy = false;
  const dataset = { type: 'dataset', name: 'org/d' } as const;
  const online = [await fetch(model), await fetch(dataset)];
  isBusy = true;
  t.same(await fetch(dataset), online[1]);
  t.match(
    told.at(-1),
    `org/d@main: ${hub.url} answered HTTP 503; using commit ${online[1]!.revision} from the cache`,
  );
  await hub.close();
  t.same([await fetch(model), await fetch(dataset)], online);
  for (const [i, name] of ['org/d', 'org/m'].entries())
    t.match(
      told.at(-1 - i),
      new RegExp(
        `^${name}@main: ${hub.url} cannot be reached \\(.*\\); using commit \\w{40} from the cache$`,
      ),
    );
  rmSync(join(online[0]!.folder, 'config.json'));
  await t.rejects(fetch(model), { message: /^org\/m@main: .* cannot be reached .*HF_ENDPOINT$/ });
});

t.test('the folders are those that Python takes', (t) => {
  const at = (given: Record<string, string>) => {
    setHubEnvironment(given);
    return [hubCacheFolder(), hubTokenFile()];
  };
  const xdg = process.env.XDG_CACHE_HOME;
  t.teardown(() => xdg !== undefined && (process.env.XDG_CACHE_HOME = xdg));
  Reflect.deleteProperty(process.env, 'XDG_CACHE_HOME');
  const usual = join(homedir(), '.cache/huggingface');
  t.same(at({}), [join(usual, 'hub'), join(usual, 'token')]);
  t.same(at({ HF_HOME: '~/h', HF_TOKEN_PATH: '/t' }), [join(homedir(), 'h/hub'), '/t']);
  process.env.SOME_DISK = '/disk';
  t.same(at({ HF_HOME: '/h', HF_HUB_CACHE: '$SOME_DISK/${SOME_DISK}$NOT_SET' }), [
    '/disk//disk$NOT_SET',
    '/h/token',
  ]);
  t.same(at({ HUGGINGFACE_HUB_CACHE: '/old' }), ['/old', join(usual, 'token')]);
  process.env.XDG_CACHE_HOME = '/xdg';
  t.same(at({}), ['/xdg/huggingface/hub', '/xdg/huggingface/token']);
  t.end();
});
