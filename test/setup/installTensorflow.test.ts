// Set-up against a stand-in: a wheel with two tiny libraries, served to pip from a folder, and a binding of ten lines.
// All of it is real (pip, hash check, unpacking, compiler, loading) except the size.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { UserError } from '../../pipeline/config/userError.ts';
import { findStamp, installTensorflow } from '../../pipeline/setup/installTensorflow.ts';
import { buildKey, BUILDS, cudaRequirements, type Build } from '../../pipeline/setup/tensorflowBuilds.ts';

const WHEEL = {
  tensorflow: {
    include: { tensorflow: { c: { 'c_api.h': 'extern "C" const char* TF_Version();\n' } } },
    python: { 'unneeded.py': '' },
  },
  'standin-1.0.dist-info': {
    METADATA: 'Metadata-Version: 2.1\nName: standin\nVersion: 1.0\n',
    WHEEL: 'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_27_x86_64\n',
    RECORD: '',
  },
};

const BINDING = {
  'tfjs_backend.cc': 'int backend = 0;\n',
  'tfjs_binding.cc': `#include <node_api.h>
    const char* version();
    NAPI_MODULE_INIT() {
      napi_value text;
      napi_create_string_latin1(env, version(), NAPI_AUTO_LENGTH, &text);
      napi_set_named_property(env, exports, "TF_Version", text);
      return exports;
    }`,
};

const NATIVE = {
  'version.cc': '#include "tensorflow/c/c_api.h"\nconst char* version() { return TF_Version(); }\n',
};

const isLinux = process.platform === 'linux';
const headers = join(import.meta.dirname, '../../node_modules/node-api-headers');

t.test('every pinned build names one exact wheel', (t) => {
  for (const [key, { requirement, platform, sha256 }] of Object.entries(BUILDS)) {
    t.match(key, /^(linux|darwin)-(x64|arm64)-(cpu|gpu)$/);
    t.match(requirement, /^tensorflow(-cpu)?==\d+\.\d+\.\d+$/, key);
    t.match(platform, key.startsWith('linux') ? /^manylinux_/ : /^macosx_/, key);
    t.match(sha256, /^[0-9a-f]{64}$/, key);
  }
  t.end();
});

t.test('the build follows machine, GPU and REDISTILL_DEVICE', (t) => {
  const machine = { platform: 'linux', arch: 'x64', device: '' } as const;
  t.equal(buildKey({ ...machine, nvidia: false }), 'linux-x64-cpu');
  t.equal(buildKey({ ...machine, nvidia: true }), 'linux-x64-gpu');
  t.equal(buildKey({ ...machine, nvidia: true, device: 'cpu' }), 'linux-x64-cpu');
  t.equal(buildKey({ ...machine, nvidia: true, arch: 'arm64' }), 'linux-arm64-cpu', 'no CUDA wheel for it');
  t.throws(() => buildKey({ ...machine, device: 'tpu' }), /REDISTILL_DEVICE = "tpu"/);
  t.end();
});

t.test("the CUDA packages are those of the wheel's and-cuda extra", (t) => {
  const metadata = [
    'Requires-Dist: numpy>=1.26.0',
    'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
    'Requires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7; extra == "and-cuda"',
    'Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; extra == "gcs-filesystem"',
  ].join('\n');
  t.same(cudaRequirements(metadata), ['nvidia-cublas-cu12<13.0,>=12.5.3.2', 'nvidia-nccl-cu12<3.0,>=2.27.7']);
  t.end();
});

t.test('sets up from the wheel, once', { skip: isLinux ? false : 'the stand-in is for Linux' }, async (t) => {
  const { folder, native, build } = await standIn(t);
  const said: string[] = [];
  const stamp = await installTensorflow({ folder, native, build, say: (line) => said.push(line) });
  t.equal(stamp.version, '9.9.9', 'the binding was compiled, and loads with its libraries');
  t.equal(stamp.source, 'wheel');
  t.same(readdirSync(join(folder, 'deps/lib')).sort(), [
    'libtensorflow_cc.so.2',
    'libtensorflow_framework.so.2',
  ]);
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
    'no staging folder is left',
  );
  t.equal(said.length, 2);

  const before = statSync(join(folder, 'lib/napi-v8/tfjs_binding.node')).mtimeMs;
  t.same(await installTensorflow({ folder, native, build, say: () => t.fail('does nothing') }), stamp);
  t.equal(statSync(join(folder, 'lib/napi-v8/tfjs_binding.node')).mtimeMs, before);
});

t.test('sets up again what is damaged or of another version', { skip: !isLinux }, async (t) => {
  const { folder, native, build } = await standIn(t);
  const say = (): void => undefined;
  const stamp = await installTensorflow({ folder, native, build, say });
  truncateSync(join(folder, 'deps/lib/libtensorflow_cc.so.2'), 100);
  t.equal(await findStamp(folder), undefined, 'a cut library does not count as set up');
  await installTensorflow({ folder, native, build, say });
  t.same(await findStamp(folder), stamp);

  writeFileSync(join(folder, 'package.json'), '{"version": "4.22.1"}');
  const anew = await installTensorflow({ folder, native, build, say });
  t.not(anew.plan, stamp.plan);
  writeFileSync(join(native, 'kernel.h'), '#pragma once\n');
  t.not((await installTensorflow({ folder, native, build, say })).plan, anew.plan);
});

t.test(
  'removes what a killed set-up left, but not the folder of a running one',
  { skip: !isLinux },
  async (t) => {
    const { folder, native, build } = await standIn(t);
    const dead = spawnSync(process.execPath, ['--version']).pid;
    mkdirSync(join(folder, `.setup.${dead}.tmp/deps`), { recursive: true });
    mkdirSync(join(folder, `.setup.${process.ppid}.tmp`));
    await installTensorflow({ folder, native, build, say: () => undefined });
    t.notOk(existsSync(join(folder, `.setup.${dead}.tmp`)));
    t.ok(existsSync(join(folder, `.setup.${process.ppid}.tmp`)));
  },
);

t.test('refuses a wheel with another hash', { skip: !isLinux }, async (t) => {
  const { folder, native, build } = await standIn(t);
  await t.rejects(
    installTensorflow({ folder, native, build: { ...build, sha256: '0'.repeat(64) }, say: () => undefined }),
    new UserError(
      'standin==1.0: the package index serves a file that is not the pinned one (sha256 differs); check the index that pip uses ("pip config list")',
    ),
  );
  t.notOk(existsSync(join(folder, 'deps')));
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
  );
});

t.test("falls back to the package's own installer, and says so", { skip: !isLinux }, async (t) => {
  const { folder, native, build, bin } = await standIn(t);
  await installTensorflow({ folder, native, build, say: () => undefined });
  const binding = join(folder, 'lib/napi-v8/tfjs_binding.node');
  cpSync(binding, `${binding}.made`);
  rmSync(binding);
  writeProgram(
    join(bin, 'npm'),
    `test "$1 $3" = "rebuild --ignore-scripts=false" && mv ${binding}.made ${binding}`,
  );
  t.teardown(withEnvironment({ PATH: `${bin}:${process.env.PATH ?? ''}` }));
  const said: string[] = [];
  const missing = { ...build, requirement: 'standin==2.0' };
  const stamp = await installTensorflow({ folder, native, build: missing, say: (line) => said.push(line) });
  t.equal(stamp.source, 'npm rebuild');
  t.match(said[1], /wheel cannot be had \(No matching distribution found for standin==2.0\)/);

  writeFileSync(join(folder, 'package.json'), '{"version": "4.22.1"}');
  await t.rejects(installTensorflow({ folder, native, build: null, say: () => undefined }), {
    message: /^TensorFlow cannot be had: neither its wheel \(there is none for linux-\w+\) nor by the npm/,
  });
});

t.test('names the tool that is missing or fails, in one line', { skip: !isLinux }, async (t) => {
  const { folder, native, build, bin } = await standIn(t);
  const path = process.env.PATH ?? '';
  const attempt = (): Promise<unknown> => installTensorflow({ folder, native, build, say: () => undefined });
  t.teardown(withEnvironment({ PATH: bin, CXX: 'ccache clang++' }));
  await t.rejects(attempt(), {
    message: /^C\+\+ compiler "ccache clang\+\+" not found; install one \(Debian: /,
  });
  writeProgram(join(bin, 'g++'), 'test "$1" = --version || { echo "a.cc:1: error: no" >&2; false; }');
  delete process.env.CXX;
  await t.rejects(attempt(), { message: /^pip not found; install Python 3 with pip \(Debian: / });
  process.env.PATH = `${bin}:${path}`;
  await t.rejects(attempt(), {
    message: 'compiling TensorFlow\'s binding with "g++" failed: a.cc:1: error: no',
  });
  t.notOk(existsSync(join(folder, 'deps')), 'nothing is put in place');
});

/** The npm package and the wheel in a temporary folder, pip pointed at it, and a folder for stand-in programs. */
async function standIn(t: Test): Promise<{ folder: string; native: string; build: Build; bin: string }> {
  const root = t.testdir({
    bin: {},
    node_modules: {
      '@tensorflow': { 'tfjs-node-gpu': { 'package.json': '{"version": "4.22.0"}', binding: BINDING } },
      'node-api-headers': t.fixture('symlink', headers),
    },
    native: NATIVE,
    wheel: WHEEL,
  });
  const wheel = 'standin-1.0-cp311-cp311-manylinux_2_27_x86_64.whl';
  makeLibrary(join(root, 'wheel/tensorflow/libtensorflow_framework.so.2'), 'int framework = 0;');
  makeLibrary(
    join(root, 'wheel/tensorflow/libtensorflow_cc.so.2'),
    'extern "C" const char* TF_Version() { return "9.9.9"; }',
  );
  execFileSync('python3', ['-m', 'zipfile', '-c', wheel, ...Object.keys(WHEEL)], {
    cwd: join(root, 'wheel'),
  });
  t.teardown(withEnvironment({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(root, 'wheel') }));
  const sha256 = await sha256OfFile(join(root, 'wheel', wheel));
  const build = { requirement: 'standin==1.0', platform: 'manylinux_2_27_x86_64', sha256 };
  const folder = join(root, 'node_modules/@tensorflow/tfjs-node-gpu');
  return { folder, native: join(root, 'native'), build, bin: join(root, 'bin') };
}

function makeLibrary(path: string, source: string): void {
  const flags = ['-shared', '-fPIC', `-Wl,-soname,${basename(path)}`, '-x', 'c++', '-', '-o', path];
  execFileSync('g++', flags, { input: source });
}

function writeProgram(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** Sets environment variables; the function returned sets them back. */
function withEnvironment(variables: Record<string, string>): () => void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  return () => {
    for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  };
}
