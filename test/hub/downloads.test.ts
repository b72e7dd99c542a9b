// Downloads against everything that goes wrong with them: each ends with the very bytes, and with as few of them sent as
// can be; or with one line, and nothing in the cache under a name that it does not deserve.
import { existsSync, readdirSync, readFileSync, symlinkSync, truncateSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { lockWork } from '../../pipeline/artifact/workLock.ts';
import { downloadFiles } from '../../pipeline/hub/downloadFiles.ts';
import { hubConnection } from '../../pipeline/hub/hubConnection.ts';
import { sha256Of } from '../fileBytes.ts';
import type { AskedFor } from './hubServer.ts';
import { hubScene, madeUpBytes, writeFiles } from './hubScene.ts';
import type { Fault } from './sendFile.ts';

const SIZE = 3_000_000;
const WEIGHTS = 'models/org/m/model.safetensors';
/** What a stream may hold that was received and not yet written when the connection breaks. */
const CHUNK = 64 * 1024;

const content = madeUpBytes(SIZE);
const sha256 = sha256Of(content);
const folder = writeFiles(t.testdir(), { 'model.safetensors': content, 'config.json': '{"a": 1}\n' });
const repositories = { 'models/org/m': folder };
const repository = { type: 'model', name: 'org/m' } as const;

/** A fault for each of the first requests for a file's content. */
const inTurn =
  (path: string, faults: (Fault | undefined)[]) =>
  (asked: AskedFor): Fault | undefined =>
    asked.path === path && asked.kind === (path === WEIGHTS ? 'lfs' : 'file')
      ? faults[asked.before]
      : undefined;

t.test('cut at three random places, it goes on at each of them', async (t) => {
  const stream = xoroshiro128plus(7);
  const places = [1, 2, 3].map(() => uniformInt(stream, 1, SIZE - 1)).sort((a, b) => a - b);
  const cuts = places.map((place, i) => ({ cutAfter: place - (places[i - 1] ?? 0) }));
  const { hub, fetch, told } = await hubScene(t, { repositories, faults: inTurn(WEIGHTS, cuts) });
  const { folder: found } = await fetch(repository);
  t.ok(readFileSync(join(found, 'model.safetensors')).equals(content));
  const sent = hub.sent.get(WEIGHTS)!;
  t.ok(sent >= SIZE && sent <= SIZE + CHUNK, `${sent} bytes sent of ${SIZE}, cut at ${places.join(', ')}`);
  t.equal(told.filter((line) => / broke off .*trying again in \d/.test(line)).length, 3);
  t.match(told.at(-1), /^org\/m: 3\.0 MB in \d+ s$/);
});

t.test('it goes on only with the file that it began with', async (t) => {
  const path = 'models/org/m/config.json';
  const asked: unknown[] = [];
  const { fetch } = await hubScene(t, {
    repositories,
    faults: inTurn(path, [{ cutAfter: 3 }]),
    also: ({ url, headers }) => {
      if (url!.includes('/resolve/') && url!.endsWith('config.json'))
        asked.push([headers.range, headers['if-range']]);
      return Promise.resolve(false);
    },
  });
  await fetch(repository);
  t.match(asked, [
    [undefined, undefined],
    ['bytes=3-', /^"[0-9a-f]{40}"$/],
  ]);
});

t.test('cut for good, another run goes on with what there is, whichever tool left it', async (t) => {
  const { hub, fetch, cache } = await hubScene(t, { repositories });
  const blobs = join(cache, 'models--org--m', 'blobs');
  writeFiles(blobs, { [`${sha256}.incomplete`]: content.subarray(0, 2_000_000) });
  const { folder: found } = await fetch(repository);
  t.ok(readFileSync(join(found, 'model.safetensors')).equals(content));
  t.equal(hub.sent.get(WEIGHTS), 1_000_000);
  t.same(
    readdirSync(blobs).filter((name) => name.includes('incomplete')),
    [],
  );
});

t.test('what is left of another file is thrown away, and of a whole one only checked', async (t) => {
  const { hub, fetch, cache } = await hubScene(t, { repositories });
  const store = join(cache, 'models--org--m');
  for (const [left, sent] of [
    [madeUpBytes(1000, 2), SIZE - 1000 + SIZE],
    [madeUpBytes(SIZE + 1, 2), SIZE],
    [content, 0],
  ] as const) {
    const before = hub.sent.get(WEIGHTS) ?? 0;
    writeFiles(store, { [`blobs/${sha256}.incomplete`]: left });
    const { folder: found } = await fetch(repository);
    t.ok(readFileSync(join(found, 'model.safetensors')).equals(content));
    t.equal(hub.sent.get(WEIGHTS)! - before || 0, sent, `${left.length} bytes were left`);
    truncateSync(join(store, 'blobs', sha256), 1);
  }
});

t.test('a changed byte is found in big and small files; the file is fetched once more', async (t) => {
  for (const [path, size] of [
    [WEIGHTS, SIZE],
    ['models/org/m/config.json', 9],
  ] as const) {
    const { hub, fetch, told } = await hubScene(t, { repositories, faults: inTurn(path, [{ flipAt: 3 }]) });
    const { folder: found } = await fetch(repository);
    t.ok(readFileSync(join(found, 'model.safetensors')).equals(content));
    t.equal(readFileSync(join(found, 'config.json'), 'utf8'), '{"a": 1}\n');
    t.equal(hub.sent.get(path), 2 * size);
    t.match(told.join('\n'), /arrived with (git sha1|sha256) \w+, the Hub says \w+: fetching it once more/);
  }
});

t.test('one that always arrives changed is an error, and stays out of the cache', async (t) => {
  const faults = inTurn(WEIGHTS, [{ flipAt: 3 }, { flipAt: SIZE - 1 }]);
  const { fetch, cache } = await hubScene(t, { repositories, faults });
  await t.rejects(fetch(repository), {
    name: 'UserError',
    message:
      /^org\/m@main\/model\.safetensors: arrived with sha256 \w{64}, the Hub says \w{64}; run the same/,
  });
  const names = readdirSync(join(cache, 'models--org--m', 'blobs'));
  t.notOk(
    names.some((name) => name.startsWith(sha256)),
    names.join(' '),
  );
  t.ok((await fetch(repository)).folder, 'the next run has better luck');
});

t.test('429 and 503 are tried again, after the time that the server names', async (t) => {
  const faults = ({ kind, before }: AskedFor): Fault | undefined => {
    if (kind === 'api' && before === 0) return { status: 429, headers: { 'retry-after': '0' } };
    if (kind === 'lfs' && before === 0) return { status: 503 };
    return kind === 'file' && before === 0
      ? { status: 429, headers: { ratelimit: '"resolvers";r=0;t=0' } }
      : undefined;
  };
  const { fetch, told } = await hubScene(t, { repositories, faults });
  t.ok(existsSync(join((await fetch(repository)).folder, 'model.safetensors')));
  t.ok(
    told.some((line) => /answered HTTP 429 \(too many requests\): trying again in 0 s$/.test(line)),
    told.join('\n'),
  );
  t.ok(told.some((line) => /answered HTTP 503: trying again in \d s$/.test(line)));
});

t.test('a server that falls silent is asked again', async (t) => {
  const faults = inTurn(WEIGHTS, [{ silentAfter: 1_000_000 }]);
  const { hub, fetch, told } = await hubScene(t, { repositories, faults });
  process.env.HF_HUB_DOWNLOAD_TIMEOUT = '2';
  t.ok(readFileSync(join((await fetch(repository)).folder, 'model.safetensors')).equals(content));
  t.ok(
    told.some((line) => line.includes('sent nothing for 2 s: trying again')),
    told.join('\n'),
  );
  t.ok(hub.sent.get(WEIGHTS)! < SIZE + CHUNK);
});

t.test('two runs at once download each file once', async (t) => {
  const { hub, fetch, cache } = await hubScene(t, { repositories });
  const [first, second] = await Promise.all([fetch(repository), fetch(repository)]);
  t.same(first, second);
  t.equal(hub.sent.get(WEIGHTS), SIZE);
  t.same(readdirSync(join(cache, '.locks', 'models--org--m')), [], 'no lock is left');
});

t.test('who comes second waits, and says for whom', async (t) => {
  const { hub, fetch, cache, told } = await hubScene(t, { repositories });
  const lock = await lockWork(join(cache, '.locks', 'models--org--m', 'redistill'));
  const fetching = fetch(repository);
  while (!told.some((line) => /^org\/m: waiting for process \d+ on .*, which is doing the same$/.test(line)))
    await setTimeout(10);
  t.equal(hub.sent.size, 0);
  await lock.release();
  t.ok((await fetching).folder);
});

t.test('a full disk is one line, before and during a download', async (t) => {
  const { hub, fetch, cache } = await hubScene(t, { repositories });
  const oid = '0'.repeat(40);
  const options = { hub: await hubConnection(), repository, commit: hub.commit('models/org/m') };
  await t.rejects(
    downloadFiles([{ path: 'model.safetensors', size: SIZE, oid, sha256 }], {
      ...options,
      progress: () => undefined,
      note: () => Promise.resolve(),
      free: () => Promise.resolve(1_000_000),
    }),
    {
      name: 'UserError',
      message:
        /models--org--m: the disk is full: downloads still need 3\.0 MB, and 1\.0 MB are free; free some space/,
    },
  );
  t.equal(hub.sent.size, 0, 'nothing was sent');
  const blobs = join(cache, 'models--org--m', 'blobs');
  await mkdir(blobs, { recursive: true });
  symlinkSync('/dev/full', join(blobs, `${sha256}.incomplete`));
  await t.rejects(fetch(repository), {
    name: 'UserError',
    message:
      /models--org--m\/blobs: the disk is full: downloads still need 3\.0 MB, and [\d.]+ MB are free; free some/,
  });
});

t.test('a list of many pages, with names that need quoting', async (t) => {
  const names = Array.from({ length: 25 }, (_, i) => `part ${i}#?%/é-${i}.txt`);
  const many = writeFiles(t.testdir(), Object.fromEntries(names.map((name) => [name, name])));
  const { fetch } = await hubScene(t, { repositories: { 'datasets/org/d': many }, pageSize: 7 });
  const { folder: found, files } = await fetch({ type: 'dataset', name: 'org/d' });
  t.same(files.sort(), names.sort());
  for (const name of names) t.equal(readFileSync(join(found, name), 'utf8'), name);
});

t.test('a mirror cannot write outside the cache', async (t) => {
  const { fetch, cache } = await hubScene(t, {
    repositories,
    also: async (request, response) => {
      await Promise.resolve();
      if (!request.url!.includes('/tree/')) return false;
      const entry = { type: 'file', path: '../../../../evil', size: 1, oid: '0'.repeat(40) };
      response.writeHead(200).end(JSON.stringify([entry]));
      return true;
    },
  });
  await t.rejects(fetch(repository), {
    message: /^org\/m@main: http.* does not answer as a Hub does; check HF_ENDPOINT/,
  });
  t.notOk(existsSync(join(cache, 'models--org--m', 'snapshots')));
});
