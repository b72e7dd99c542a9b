// The machine that a plan is made on: its device, the memory of that, free disk, and how fast it works.
import { deviceMemory } from '../engine/deviceMemory.ts';
import { engineInfo } from '../engine/rawOp.ts';
import { freeBytes } from '../artifact/freeBytes.ts';
import { measuredRates, type Rates } from './measuredRates.ts';

export interface ThisMachine {
  device: 'cpu' | 'gpu';
  /** Of the GPU, or of the machine as far as a process may use it. */
  memoryBytes: number;
  freeDiskBytes: number;
  rates: Rates;
}

/** @param folder whose disk counts */
export async function thisMachine(folder: string): Promise<ThisMachine> {
  const { device } = engineInfo();
  return {
    device,
    memoryBytes: await deviceMemory(),
    freeDiskBytes: await freeBytes(folder),
    rates: measuredRates(),
  };
}
