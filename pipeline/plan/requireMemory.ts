// Asked by a stage before it loads anything: whether the device can hold what the stage surely needs, which is what stays
// in memory from beginning to end. What comes on top is an estimate, so that it may not fit is said and no reason to end.
import { UserError } from '../config/userError.ts';
import { gigabytes } from '../terminal/gigabytes.ts';
import { deviceMemory } from '../engine/deviceMemory.ts';
import { engineInfo } from '../engine/rawOp.ts';
import { totalOf, type Memory } from './stageMemory.ts';

/** Parts of a memory that are held all the time, exactly as large as planned. */
const SURE = ['weights', 'moments', 'gradients'];

interface RequireOptions {
  /** What would help, in the words of a message. */
  remedy: string;
  progress?: ((line: string) => void) | undefined;
  /** Bytes that the device has; it is asked by default. */
  limit?: number | undefined;
}

/** @throws UserError with both numbers when the stage cannot fit; tells `progress` when it may not. */
export async function requireMemory(
  memory: Memory,
  { remedy, progress = () => undefined, limit }: RequireOptions,
): Promise<void> {
  const has = limit ?? (await deviceMemory());
  const sure = SURE.reduce((sum, part) => sum + (memory[part] ?? 0), 0);
  const parts = SURE.filter((part) => part in memory).join(', ');
  if (sure > has)
    throw new UserError({
      problem: `${parts} take ${gigabytes(sure)}, the device has ${gigabytes(has)}`,
      remedy,
    });
  const total = totalOf(memory, engineInfo().device);
  if (total > has)
    progress(`takes about ${gigabytes(total)} of ${gigabytes(has)} of memory; if it ends: ${remedy}`);
}
