// The machine that a plan is made on: its device, the memory of that, free disk, and how fast it multiplies.
import { totalmem } from 'node:os';
import { matmulRate } from '../engine/matmulRate.ts';
import { engineInfo } from '../engine/rawOp.ts';
import { UserError } from '../config/userError.ts';
import { freeBytes } from '../artifact/freeBytes.ts';
import { runProgram } from '../setup/runProgram.ts';

export interface ThisMachine {
  device: 'cpu' | 'gpu';
  /** Of the GPU, or of the machine as far as a process may use it. */
  memoryBytes: number;
  freeDiskBytes: number;
  /** FLOP/s of square bfloat16 products. */
  matmulRate: number;
}

/** @param folder whose disk counts */
export async function thisMachine(folder: string): Promise<ThisMachine> {
  const { device } = engineInfo();
  const rates = Array.from({ length: 3 }, () => matmulRate({ dtype: 'bfloat16' })); // what else runs only slows it
  return {
    device,
    memoryBytes: device === 'cpu' ? processMemory() : await gpuMemory(),
    freeDiskBytes: await freeBytes(folder),
    matmulRate: 1e9 * Math.max(...rates),
  };
}

/** What this process may use at most: the machine's memory, or the limit of its group. */
export function processMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** Of the first GPU. @throws UserError when nvidia-smi does not tell. */
export async function gpuMemory(): Promise<number> {
  const query = ['--query-gpu=memory.total', '--format=csv,noheader,nounits'];
  const megabytes = Number((await runProgram('nvidia-smi', query))?.stdout.split('\n')[0]);
  if (megabytes > 0) return megabytes * 2 ** 20;
  throw new UserError({
    problem: 'nvidia-smi does not tell the memory of the GPU',
    remedy: 'check the driver',
  });
}
