// What of a plan does not fit, each with the setting or the command that would make it fit.
import { gigabytes } from '../terminal/gigabytes.ts';
import type { Machines } from './machines.ts';
import { PLANNED_STAGES, type Plan, type PlannedStage } from './planFile.ts';
import { remedyFor, stageMemories, type MemoryInputs, type Room } from './remedies.ts';
import { totalOf } from './stageMemory.ts';
import type { ThisMachine } from './thisMachine.ts';

type Problem = Plan['problems'][number];

/** The stages that a device has too little memory for. */
export function shortOfMemory(
  where: string,
  room: Room,
  inputs: MemoryInputs,
): (Problem & { what: PlannedStage })[] {
  const memories = stageMemories(inputs);
  const needed = PLANNED_STAGES.map((stage) => [stage, totalOf(memories[stage], room.device)] as const);
  return needed
    .filter(([, bytes]) => bytes > room.bytes)
    .map(([stage, bytes]) => ({
      ...{ what: stage, where, problem: `takes ${gigabytes(bytes)} of ${gigabytes(room.bytes)} of memory` },
      remedy: remedyFor(stage, room, inputs) ?? 'no setting of the recipe makes it fit',
    }));
}

/** The memory of a named GPU. */
export function roomOf({ memory_gb }: Machines['gpus'][string]): Room {
  return { bytes: 1e9 * memory_gb, device: 'gpu' };
}

/** @param needed bytes of downloads and of the run */
export function shortOfDisk(needed: number, { freeDiskBytes: free }: ThisMachine): Problem[] {
  if (needed <= free) return [];
  const problem = `downloads and run take ${gigabytes(needed)}, ${gigabytes(free)} are free`;
  return [
    { what: 'disk', where: 'this machine', problem, remedy: 'free some, or put HF_HOME on another disk' },
  ];
}

/** The teacher's reading is the stage that many machines can share. */
export function longLogits(seconds: number): Problem[] {
  const days = seconds / 86_400;
  if (days < 1) return [];
  const remedy = `make logits LAUNCH=slurm SHARDS=${Math.min(64, 2 ** Math.ceil(Math.log2(2 * days)))} shares it among machines`;
  return [{ what: 'logits', where: 'this machine', problem: `takes ${days.toFixed(0)} days`, remedy }];
}
