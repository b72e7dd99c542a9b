// One cache, two tools: Python's huggingface_hub reads what we fetched, with HF_HUB_OFFLINE=1, and we read what it fetched.
import { execFile } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { python, withoutModules } from '../needs.ts';
import { hubScene, madeUpBytes, writeFiles } from './hubScene.ts';

const files = { 'model.safetensors': madeUpBytes(200_000), 'config.json': '{"a": 1}', 'sub/notes.txt': 'x' };
const folder = writeFiles(t.testdir(), files);
const repositories = {
  'models/org/m': folder,
  'datasets/org/d': folder,
  'datasets/org/d@refs/convert/parquet': folder,
};
const skip = withoutModules('huggingface_hub');
const REPOSITORIES = [
  { type: 'model', name: 'org/m', revision: 'main' },
  { type: 'dataset', name: 'org/d', revision: 'refs/convert/parquet' },
] as const;

/** Runs Python with the variables of this process; gives what it prints. */
async function runPython(code: string, ...words: string[]): Promise<string> {
  const given = ['-c', `from huggingface_hub import *\nimport sys\n${code}`, ...words];
  const env = { ...process.env, HF_HUB_DISABLE_PROGRESS_BARS: '1', HF_HUB_DISABLE_XET: '1' };
  return (await promisify(execFile)(python, given, { env })).stdout.trim();
}

const SNAPSHOT = 'print(snapshot_download(sys.argv[1], repo_type=sys.argv[2], revision=sys.argv[3]))';
const ONE_FILE =
  'print(hf_hub_download(sys.argv[1], "sub/notes.txt", repo_type=sys.argv[2], revision=sys.argv[3]))';
const SCANNED =
  'print([(r.repo_id, r.nb_files, [len(v.refs) for v in r.revisions]) for r in scan_cache_dir().repos])';

/** All of a cache's store, but its lists of files: paths, with where links lead or what files hold. */
function layoutOf(store: string): Record<string, string> {
  const entries = readdirSync(store, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const content = (path: string) =>
    lstatSync(path).isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, 'latin1');
  return Object.fromEntries(paths.sort().map((path) => [path.slice(store.length), content(path)]));
}

t.test('Python reads our cache offline', { skip }, async (t) => {
  const { fetch } = await hubScene(t, { repositories });
  for (const repository of REPOSITORIES) {
    const { folder: ours } = await fetch(repository);
    process.env.HF_HUB_OFFLINE = '1';
    const { type, name, revision } = repository;
    t.equal(await runPython(SNAPSHOT, name, type, revision), ours);
    t.equal(await runPython(ONE_FILE, name, type, revision), join(ours, 'sub/notes.txt'));
    Reflect.deleteProperty(process.env, 'HF_HUB_OFFLINE');
  }
  t.match(await runPython(SCANNED), /\('org\/m', 3, \[1\]\)/, 'its own tool finds nothing amiss');
});

t.test('we read what Python fetched, and both lay it out alike', { skip }, async (t) => {
  const { hub, fetch, cache } = await hubScene(t, { repositories });
  for (const { type, name, revision } of REPOSITORIES) {
    const theirs = await runPython(SNAPSHOT, name, type, revision);
    const asked = hub.requests.length;
    process.env.HF_HUB_OFFLINE = '1';
    t.same(await fetch({ type, name, revision }), {
      folder: theirs,
      revision: hub.commit(type === 'model' ? 'models/org/m' : 'datasets/org/d@refs/convert/parquet'),
      files: Object.keys(files).sort(),
    });
    Reflect.deleteProperty(process.env, 'HF_HUB_OFFLINE');
    await fetch({ type, name, revision });
    t.notOk(
      hub.requests.slice(asked).some((request) => request.includes('/resolve/')),
      'nothing is fetched again',
    );
    const store = join(cache, `${type}s--${name.replace('/', '--')}`);
    const layout = layoutOf(store);
    process.env.HF_HUB_CACHE = join(cache, 'other');
    await fetch({ type, name, revision });
    const ours = layoutOf(join(cache, 'other', `${type}s--${name.replace('/', '--')}`));
    const trees = (key: string) => key.startsWith('/trees/');
    for (const key of Object.keys({ ...ours, ...layout }).filter((key) => !trees(key)))
      t.equal(ours[key], layout[key], key);
    for (const key of Object.keys(layout).filter(trees))
      t.same(JSON.parse(ours[key]!), JSON.parse(layout[key]!), key);
    Reflect.deleteProperty(process.env, 'HF_HUB_CACHE');
  }
});

t.test('what Python fetched in part is completed', { skip }, async (t) => {
  const { hub, fetch } = await hubScene(t, { repositories });
  const { type, name, revision } = REPOSITORIES[0];
  await runPython(ONE_FILE, name, type, revision);
  const { folder: found } = await fetch(REPOSITORIES[0]);
  for (const [file, content] of Object.entries(files))
    t.ok(readFileSync(join(found, file)).equals(Buffer.from(content)));
  t.equal(hub.sent.get('models/org/m/sub/notes.txt'), 1);
});
