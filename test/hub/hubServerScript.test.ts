// test/hub-server.ts as anyone starts it: over a folder, with the faults of its flags; the client gets all the same.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { fetchSnapshot } from '../../pipeline/hub/hubSnapshot.ts';
import { sumsOf } from '../fileBytes.ts';
import { finishedRun, REPOSITORY } from '../publish/publishScene.ts';
import { runStage } from '../runStage.ts';
import { madeUpBytes, setHubEnvironment, writeFiles } from './hubScene.ts';

const content = madeUpBytes(400_000);
const root = t.testdir();
process.env.REDISTILL_CACHE = join(root, 'cache');
const folder = writeFiles(join(root, 'hub'), {
  'models/org/m/model.safetensors': content,
  'models/org/m/config.json': '{}',
  'datasets/org/d/a.jsonl': '{}\n',
  'datasets/org/d@refs%2Fconvert%2Fparquet/default/train/0000.parquet': 'rows',
});

/** Starts the script; gives its first line, or what it says when it ends without one. */
async function start(t: Test, ...words: string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/hub-server.ts', ...words]);
  t.teardown(() => child.kill());
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve) => {
    lines.once('line', resolve);
    child.once('close', () => {
      resolve(said);
    });
  });
}

t.test('a folder behind every fault that there is a flag for', async (t) => {
  const flags = [
    '--cut-after',
    '100000',
    '--corrupt',
    '--delay',
    '1',
    '--rate-limit',
    '9',
    '--token',
    'hf_mine',
  ];
  const line = await start(t, '--folder', folder, ...flags);
  t.match(line, /^HF_ENDPOINT=http:\/\/127\.0\.0\.1:\d+$/);
  setHubEnvironment({ HF_ENDPOINT: line.split('=')[1]!, HF_HOME: join(root, 'home'), HF_TOKEN: 'hf_mine' });
  const told: string[] = [];
  const options = { select: (names: string[]) => names, progress: (text: string) => told.push(text) };
  const model = await fetchSnapshot({ type: 'model', name: 'org/m' }, options);
  t.ok(readFileSync(join(model.folder, 'model.safetensors')).equals(content));
  t.ok(
    told.some((text) => text.includes('broke off')) && told.some((text) => text.includes('once more')),
    told.join('\n'),
  );
  const converted = { type: 'dataset', name: 'org/d', revision: 'refs/convert/parquet' } as const;
  t.same((await fetchSnapshot(converted, options)).files, ['default/train/0000.parquet']);
});

t.test('a model is published to an empty folder, and read from there', async (t) => {
  const run = await finishedRun(t, { evaluated: false });
  const hub = join(root, 'empty');
  const line = await start(t, '--folder', hub, '--accept-uploads');
  const environment = {
    HF_ENDPOINT: line.split('=')[1]!,
    HF_HOME: join(root, 'publisher'),
    HF_TOKEN: 'hf_any',
  };
  setHubEnvironment(environment);
  const { stdout } = await runStage('publish', { run, repo: REPOSITORY });
  t.equal(stdout.trim(), `${environment.HF_ENDPOINT}/${REPOSITORY}`);
  const options = { select: (names: string[]) => names, progress: () => undefined };
  const { folder: fetched } = await fetchSnapshot({ type: 'model', name: REPOSITORY }, options);
  const { 'README.md': card, ...files } = sumsOf(fetched);
  t.same({ 'README.md': card, ...files }, sumsOf(join(hub, 'models', REPOSITORY)));
  t.match(sumsOf(join(run, 'train/main/model')), files);
  const create = await fetch(`${environment.HF_ENDPOINT}/api/repos/create`, { method: 'POST' });
  t.equal(create.status, 401, 'some token there has to be');
  setHubEnvironment({ ...environment, HF_TOKEN: '' });
  await t.rejects(runStage('publish', { run, repo: REPOSITORY }), { message: /publishing needs a token/ });
});

t.test('uploads need the flag, and the token where one is set', async (t) => {
  const run = await finishedRun(t, { evaluated: false });
  const publish = (hub: string, token: string) => {
    setHubEnvironment({ HF_ENDPOINT: hub, HF_HOME: join(root, 'other'), HF_TOKEN: token });
    return runStage('publish', { run, repo: REPOSITORY });
  };
  const closed = (await start(t, '--folder', folder)).split('=')[1]!;
  await t.rejects(publish(closed, 'hf_any'), { message: /HTTP 404/ });
  const flags = ['--accept-uploads', '--token', 'hf_mine'];
  const open = (await start(t, '--folder', join(root, 'mine'), ...flags)).split('=')[1]!;
  await t.rejects(publish(open, 'hf_other'), { message: /does not know the token/ });
  const body = JSON.stringify({ organization: 'lab', name: 'x' });
  for (const headers of [{}, { authorization: 'Bearer hf_other' }])
    t.equal((await fetch(`${open}/api/repos/create`, { method: 'POST', body, headers })).status, 401);
  t.match(await publish(open, 'hf_mine'), { stdout: `${open}/${REPOSITORY}\n` });
});

t.test('a folder without repositories is refused', async (t) => {
  t.equal(
    await start(t, '--folder', join(folder, 'models')),
    `hub-server: ${join(folder, 'models')}: has neither models/ORG/NAME nor datasets/ORG/NAME in it\n`,
  );
});
