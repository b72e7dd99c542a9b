// Sets up TensorFlow below @tensorflow/tfjs-node-gpu: the C library from TensorFlow's PyPI wheel, pinned by sha256,
// and the package's own binding (N-API 8, so one build serves every Node), compiled against it with our fused kernels.
// The package's installer would download TensorFlow 2.9 from outside the registries; it is only the fallback.
// Everything is built and tried in a staging folder and then renamed into place, the stamp last.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fingerprint, sha256OfFile } from '../artifact/fingerprint.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import { stagingFolder } from '../artifact/stagingFolder.ts';
import { hasCode, UserError } from '../config/userError.ts';
import { downloadWheel, extractFromWheel, findPip, targetFlags, type Command } from './pythonWheel.ts';
import { runProgram } from './runProgram.ts';
import { BUILDS, buildKey, cudaRequirements, type Build } from './tensorflowBuilds.ts';

/** What is set up: `plan` names build, versions and flags, so a change of any of them sets up anew. */
export interface Stamp {
  plan: string;
  version: string;
  source: 'wheel' | 'npm rebuild';
  files: { file: string; bytes: number }[];
}

export const TENSORFLOW_FOLDER = join(import.meta.dirname, '../../node_modules/@tensorflow/tfjs-node-gpu');

const NATIVE_FOLDER = join(import.meta.dirname, '../engine/native');
const BINDING = 'lib/napi-v8/tfjs_binding.node';
const FLAGS = ['-std=c++17', '-O3', '-fno-math-errno', '-fPIC', '-shared', '-DNAPI_VERSION=8']; // roots in vectors
const PLATFORM_FLAGS =
  process.platform === 'darwin'
    ? ['-undefined', 'dynamic_lookup', '-Wl,-rpath,@loader_path/../../deps/lib'] // its compiler has no OpenMP
    : ['-fopenmp', '-Wl,-rpath,$ORIGIN/../../deps/lib'];

/**
 * Sets up TensorFlow in the npm package at `folder`, unless that is done already.
 * @param build the build to take; null where BUILDS has none for the machine.
 * @param native folder of the project's own part of the binding: the engine's fused kernels, and the log level.
 * @param say prints a line of progress.
 * @throws UserError naming what is missing on this machine.
 */
export async function installTensorflow({
  folder = TENSORFLOW_FOLDER,
  build = BUILDS[buildKey()] ?? null,
  native = NATIVE_FOLDER,
  say = console.error,
}: {
  folder?: string;
  build?: Build | null;
  native?: string;
  say?: (line: string) => void;
} = {}): Promise<Stamp> {
  const plan = await planOf({ folder, build, native });
  const found = await findStamp(folder);
  if (found?.plan === plan) {
    const now = new Date();
    await utimes(stampOf(folder), now, now); // make compares it with the lock file and this source
    return found;
  }
  const tools = await requireTools();
  const staging = await stagingFolder(join(folder, '.setup'));
  try {
    const made = await buildFrom(build, { folder, native, staging, say, ...tools });
    const stamp = { plan, ...made };
    await commitJson(stampOf(folder), stamp);
    return stamp;
  } catch (error) {
    throw hasCode(error, 'ENOSPC')
      ? new UserError({ file: folder, problem: 'the disk is full (3 GB are needed)' })
      : error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The stamp of what is set up in `folder`, or undefined when there is none or a file it names is gone or cut. */
export async function findStamp(folder = TENSORFLOW_FOLDER): Promise<Stamp | undefined> {
  try {
    const stamp = JSON.parse(await readFile(stampOf(folder), 'utf8')) as Stamp;
    for (const { file, bytes } of stamp.files)
      if ((await stat(join(folder, file))).size !== bytes) return undefined;
    return stamp;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The C++ compiler: CXX, which may hold arguments, or g++. */
export function compilerCommand(): Command {
  const [command, ...rest] = (process.env.CXX ?? '').split(' ').filter(Boolean);
  return [command ?? 'g++', ...rest];
}

interface Context {
  folder: string;
  native: string;
  staging: string;
  say: (line: string) => void;
  pip: Command;
  compiler: Command;
}

function stampOf(folder: string): string {
  return join(folder, 'setup.json');
}

async function planOf({
  folder,
  build,
  native,
}: Pick<Context, 'folder' | 'native'> & { build: Build | null }): Promise<string> {
  return fingerprint({
    requirement: build?.requirement,
    sha256: build?.sha256,
    binding: await versionOf(folder),
    headers: await versionOf(join(folder, '../../node-api-headers')),
    native: await Promise.all((await filesOf(native, /\.(cc|h)$/)).map(sha256OfFile)),
    flags: [...FLAGS, ...PLATFORM_FLAGS],
  });
}

async function filesOf(folder: string, kind: RegExp): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => kind.test(name)).sort();
  return names.map((name) => join(folder, name));
}

async function versionOf(folder: string): Promise<string> {
  const file = join(folder, 'package.json');
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
  } catch (error) {
    throw new UserError({ file, problem: 'missing or unreadable', remedy: 'run "npm ci"' }, { cause: error });
  }
}

/** Looks for the tools before the download, so that what is missing is said at once. */
async function requireTools(): Promise<Pick<Context, 'pip' | 'compiler'>> {
  const compiler = compilerCommand();
  if ((await runProgram(compiler[0], [...compiler.slice(1), '--version']))?.code !== 0)
    throw new UserError(`C++ compiler "${compiler.join(' ')}" not found; ${COMPILER_HINT}`);
  const pip = await findPip();
  if (!pip) throw new UserError(`pip not found; ${PIP_HINT}`);
  return { pip, compiler };
}

export const COMPILER_HINT =
  'install one (Debian: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install) or set CXX';
export const PIP_HINT =
  'install Python 3 with pip (Debian: apt install python3-pip; Fedora: dnf install python3-pip; macOS: brew install python)';

async function buildFrom(build: Build | null, context: Context): Promise<Omit<Stamp, 'plan'>> {
  const { staging, say, pip } = context;
  if (!build) return rebuildByNpm(context, `there is none for ${process.platform}-${process.arch}`);
  const note = build.untested ? ', not yet tested on such a machine' : '';
  say(`setup: ${build.requirement} for ${build.platform}${note} (hundreds of MB, unless in pip's cache)`);
  const wheel = await downloadWheel(pip, build, join(staging, 'wheel'));
  if ('unavailable' in wheel) return rebuildByNpm(context, wheel.unavailable);
  const unpacked = await extractFromWheel(wheel.path, placeOf, staging);
  if (build.cuda) await addCudaLibraries(build, context);
  const libraries = unpacked.filter((file) => file.startsWith('deps/lib/'));
  say('setup: compiling the binding');
  await compileBinding(libraries, context);
  const version = await loadedVersion(staging);
  return { version, source: 'wheel', files: await moveIntoPlace([...libraries, BINDING], context) };
}

/** Where a member of the wheel goes: the two libraries, and the few headers of its C interface. */
function placeOf(member: string): string | undefined {
  if (member.endsWith('.dist-info/METADATA')) return 'METADATA';
  const library = /^tensorflow\/(libtensorflow_(?:cc|framework)\.(?:so\.2|2\.dylib))$/.exec(member)?.[1];
  if (library) return `deps/lib/${library}`;
  const header =
    /^tensorflow\/(include\/(?:tensorflow\/(?:.*\/)?c\/|(?:tensorflow\/core|tsl)\/platform\/(?:ctstring|platform)|xla\/tsl\/c\/).*)/;
  return header.exec(member)?.[1];
}

async function compileBinding(
  libraries: string[],
  { folder, native, staging, compiler }: Context,
): Promise<void> {
  const output = join(staging, BINDING);
  await mkdir(dirname(output), { recursive: true });
  const result = await runProgram(compiler[0], [
    ...[...compiler.slice(1), ...FLAGS],
    ...['-I', join(staging, 'include'), '-I', join(folder, '../../node-api-headers/include')],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((source) => join(folder, 'binding', source)),
    ...(await filesOf(native, /\.cc$/)),
    ...libraries.map((library) => join(staging, library)),
    ...[...PLATFORM_FLAGS, '-o', output],
  ]);
  if (result?.code !== 0) {
    const complaint = result?.stderr.split('\n').find((line) => /error/i.test(line)) ?? result?.stderr ?? '';
    throw new UserError(
      `compiling TensorFlow's binding with "${compiler.join(' ')}" failed: ${complaint.trim()}`,
    );
  }
}

/** Loads the finished binding in a process of its own (a library that does not fit this machine may crash). */
async function loadedVersion(root: string): Promise<string> {
  const script = 'process.stdout.write(require(process.argv[1]).TF_Version)';
  const result = await runProgram(process.execPath, ['--eval', script, join(root, BINDING)]);
  if (result?.code === 0) return result.stdout;
  const complaint =
    result?.stderr.split('\n').find((line) => line.startsWith('Error: ')) ?? `ended by ${result?.signal}`;
  throw new UserError(
    `TensorFlow does not load on this machine: ${complaint} (its builds need glibc 2.27 and, on x64, AVX)`,
  );
}

/** Renames the files into place, the binding last. */
async function moveIntoPlace(files: string[], { folder, staging }: Context): Promise<Stamp['files']> {
  await mkdir(join(folder, 'deps'), { recursive: true });
  await rm(join(folder, CUDA_FOLDER), { recursive: true, force: true });
  if (existsSync(join(staging, CUDA_FOLDER)))
    await rename(join(staging, CUDA_FOLDER), join(folder, CUDA_FOLDER));
  const records: Stamp['files'] = [];
  for (const file of files) {
    const target = join(folder, file);
    await mkdir(dirname(target), { recursive: true });
    await rename(join(staging, file), target);
    records.push({ file, bytes: (await stat(target)).size });
  }
  return records;
}

const CUDA_FOLDER = 'deps/nvidia';

/**
 * NVIDIA's libraries, as the wheel's `and-cuda` extra names them. The CUDA build looks for them in
 * `$ORIGIN/../nvidia/NAME/lib`, which is where this puts them, so no search path has to be set.
 */
async function addCudaLibraries({ platform }: Build, { staging, say, pip }: Context): Promise<void> {
  const requirements = cudaRequirements(await readFile(join(staging, 'METADATA'), 'utf8'));
  say(
    `setup: NVIDIA GPU found: ${requirements.length} CUDA packages, 3 GB (REDISTILL_DEVICE=cpu leaves them out)`,
  );
  const packages = join(staging, 'cuda-packages');
  const platforms = [platform, 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'];
  const flags = ['--target', packages, ...targetFlags(platforms), ...requirements];
  const result = await runProgram(pip[0], [...pip.slice(1), 'install', '--no-color', ...flags], {
    showProgress: process.stderr.isTTY,
  });
  if (result?.code !== 0)
    throw new UserError({
      problem: `pip cannot get NVIDIA's libraries: ${result?.stderr.trim().split('\n').at(-1) ?? ''}`,
      remedy: 'REDISTILL_DEVICE=cpu sets up without them',
    });
  await rename(join(packages, 'nvidia'), join(staging, CUDA_FOLDER));
}

/** The package's own installer, for machines that reach what it downloads from but no wheel. */
async function rebuildByNpm({ folder, say }: Context, reason: string): Promise<Omit<Stamp, 'plan'>> {
  say(`setup: TensorFlow's wheel cannot be had (${reason}); trying the npm package's own installer`);
  const flags = ['rebuild', '@tensorflow/tfjs-node-gpu', '--ignore-scripts=false'];
  const result = await runProgram('npm', flags, { showProgress: true, cwd: join(folder, '../../..') });
  if (result?.code !== 0 || !existsSync(join(folder, BINDING))) {
    if (result) say(result.stderr.trimEnd());
    throw new UserError({
      problem: `TensorFlow cannot be had: neither its wheel (${reason}) nor by the npm package's own installer`,
      remedy: 'check the network, and the package index that pip uses ("pip config list")',
    });
  }
  const { size } = await stat(join(folder, BINDING));
  return {
    version: await loadedVersion(folder),
    source: 'npm rebuild',
    files: [{ file: BINDING, bytes: size }],
  };
}
