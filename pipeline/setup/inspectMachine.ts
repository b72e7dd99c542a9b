// What `make doctor` tells: the tools that set-up needs, TensorFlow and the device it runs on, how fast that multiplies,
// and the room there is. It answers before set-up too, so the engine is imported only when it is there.
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { freeBytes } from '../artifact/freeBytes.ts';
import { messageOf } from '../config/userError.ts';
import { hubCacheFolder } from '../hub/hubCache.ts';
import {
  COMPILER_HINT,
  compilerCommand,
  findStamp,
  PIP_HINT,
  TENSORFLOW_FOLDER,
} from './installTensorflow.ts';
import { findPip, type Command } from './pythonWheel.ts';
import { runProgram } from './runProgram.ts';
import { hasNvidiaGpu } from './tensorflowBuilds.ts';

/** One line of the list: what was looked for and what was found, or else what to do about it. */
export interface Finding {
  name: string;
  found?: string | undefined;
  hint?: string | undefined;
  /** Without it redistill cannot work on this machine. */
  needed?: boolean;
}

/** Looks at everything, in the order it is printed. */
export async function* inspectMachine({ folder = TENSORFLOW_FOLDER } = {}): AsyncGenerator<Finding> {
  yield nodeFinding();
  yield* inspectTools(folder);
  yield { name: 'CPU', found: await cpuSummary() };
  yield { name: 'GPU', found: await gpuNames() };
  yield { name: 'memory', found: `${gibibytes(freemem())} free of ${gibibytes(totalmem())}` };
  for (const [name, path] of Object.entries(roomyFolders()))
    yield { name, found: `${gibibytes(await freeBytes(path))} free in ${path}` };
  yield* inspectEngine(folder);
}

/** A finding as a line of text: name, then what was found or what to do. */
export function findingLine({ name, found, hint }: Finding): string {
  return `${name.padEnd(14)}${found ?? hint ?? 'not found'}`;
}

/** The oldest Node that works, from package.json's `engines`: older ones lack what the code uses. */
const OLDEST_NODE = [20, 19] as const;

/** Node's version, refused when it is too old. */
export function nodeFinding(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const hint = `${version} is too old; install Node.js ${OLDEST_NODE.join('.')} or later`;
  return { name: 'Node.js', found: isOld ? undefined : version, hint, needed: true };
}

/** The tools of set-up: once it is done, nothing needs them. */
async function* inspectTools(folder: string): AsyncGenerator<Finding> {
  const needed = (await findStamp(folder)) === undefined;
  const tool = async (name: string, [command, ...args]: Command, hint: string): Promise<Finding> => {
    const version = await firstLine(command, ...args, '--version');
    const found = version?.replace(/ from .*/, ''); // pip adds where it lies
    return { name, found, hint: `not found; ${hint}`, needed };
  };
  yield await tool('npm', ['npm'], 'install Node.js with npm');
  yield await tool('C++ compiler', compilerCommand(), COMPILER_HINT);
  yield await tool('pip', (await findPip()) ?? ['pip'], PIP_HINT);
  yield await tool('Python', ['python3'], PIP_HINT);
  yield await tool('make', ['make'], 'install GNU make 3.81 or later');
}

async function* inspectEngine(folder: string): AsyncGenerator<Finding> {
  const name = 'TensorFlow';
  if (!(await findStamp(folder))) {
    yield { name, hint: 'not set up: run "make setup"', needed: true };
    return;
  }
  try {
    const { engineInfo } = await import('../engine/rawOp.ts');
    const { version, device } = engineInfo();
    yield { name, found: `${version} on the ${device.toUpperCase()}` };
    const { hasFusedKernels } = await import('../engine/fusedKernels.ts');
    yield {
      name: 'fused kernels',
      found: hasFusedKernels() ? 'in use' : 'not in use: composed ops do the same, slower',
    };
    const { matmulRate } = await import('../engine/matmulRate.ts');
    for (const dtype of ['float32', 'bfloat16'] as const)
      yield { name: dtype, found: `${matmulRate({ dtype }).toFixed(0)} GFLOP/s (matmul 2048)` };
  } catch (error) {
    yield { name, hint: `${messageOf(error)}; run "rm -r node_modules && make setup"`, needed: true };
  }
}

async function firstLine(command: string, ...args: string[]): Promise<string | undefined> {
  const result = await runProgram(command, args);
  return result?.code === 0 ? (result.stdout.trim().split('\n')[0] ?? '') : undefined;
}

async function cpuSummary(): Promise<string> {
  const model = cpus()[0]?.model.trim() ?? process.arch;
  return [model, `${availableParallelism()} cores`, ...(await cpuFeatures())].join(', ');
}

/** The instruction sets that matrix products profit from, where the system names them (Linux). */
async function cpuFeatures(): Promise<string[]> {
  const known = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimd', 'bf16', 'sve'];
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/));
  return known.filter((flag) => flags.has(flag));
}

async function gpuNames(): Promise<string> {
  const result = await runProgram('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader']);
  if (result?.code === 0) return result.stdout.trim().split('\n').join('; ');
  return hasNvidiaGpu() ? 'an NVIDIA GPU, but nvidia-smi does not run: check the driver' : 'none';
}

/** Where the big files go. */
function roomyFolders(): Record<string, string> {
  return { 'disk, runs': resolve('data/runs'), 'disk, models': hubCacheFolder() };
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
