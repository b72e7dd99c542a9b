// The memory of the device that the engine runs on: what plans, and checks before a stage starts, count with.
import { totalmem } from 'node:os';
import { UserError } from '../config/userError.ts';
import { runProgram } from '../setup/runProgram.ts';
import { engineInfo } from './rawOp.ts';

/**
 * Bytes of the first GPU, or of the machine as far as this process may use it.
 * @throws UserError when nvidia-smi does not tell.
 */
export async function deviceMemory(): Promise<number> {
  return engineInfo().device === 'cpu' ? processMemory() : gpuMemory();
}

/** The machine's memory, or the limit of the process's group. */
function processMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

async function gpuMemory(): Promise<number> {
  const query = ['--query-gpu=memory.total', '--format=csv,noheader,nounits'];
  const megabytes = Number((await runProgram('nvidia-smi', query))?.stdout.split('\n')[0]);
  if (megabytes > 0) return megabytes * 2 ** 20;
  throw new UserError({
    problem: 'nvidia-smi does not tell the memory of the GPU',
    remedy: 'check the driver',
  });
}
