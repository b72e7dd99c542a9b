// What a teacher and a training leave on disk, and whether there is room for it before they start. What an interrupted
// run left there takes no room a second time: it is continued, or replaced file by file.
import { join } from 'node:path';
import { findSize } from '../artifact/findSize.ts';
import { freeBytes } from '../artifact/freeBytes.ts';
import { UserError } from '../config/userError.ts';
import { gigabytes } from '../terminal/gigabytes.ts';
import { DTYPE_BYTES } from '../engine/rawOp.ts';
import { parametersOf } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { elementsOf } from '../model/safetensors.ts';
import { bytesPerParameter } from '../train/optimizerState.ts';
import type { TrainConfig } from '../train/trainConfig.ts';
import { trainedShapes } from './stageMemory.ts';

/** Bytes of a checkpoint, which holds weights and moments, and of the exported model. */
export function trainingFiles(
  model: ModelConfig,
  config: TrainConfig,
): { checkpoint: number; exported: number } {
  const checkpoint = trainedShapes(model, config).reduce((sum, shape) => {
    const { weight, moments } = bytesPerParameter(shape.length, config);
    return sum + (weight + moments) * elementsOf(shape);
  }, 0);
  return { checkpoint, exported: DTYPE_BYTES[config.export_dtype] * parametersOf(model) };
}

/** How many checkpoints lie there while one is written: it, the one before, and that of the best evaluation. */
export function checkpointsAtOnce(config: TrainConfig): number {
  return config.export === 'best' ? 3 : 2;
}

interface DiskOptions {
  /** Bytes left on the disk of a folder. */
  free?: typeof freeBytes;
}

/** @throws UserError when the disk of `out` cannot take the quantized teacher. */
export async function requireDiskForTeacher(
  out: string,
  { bytes, ...options }: { bytes: number } & DiskOptions,
): Promise<void> {
  const remedy = 'free some space, or set fewer bits in teacher.yaml';
  await requireDisk(out, {
    needed: bytes,
    started: out,
    what: 'the quantized teacher takes',
    remedy,
    ...options,
  });
}

/** @throws UserError when the disk of `out` cannot take the checkpoints and the model. */
export async function requireDiskForTraining(
  out: string,
  { model, config, ...options }: { model: ModelConfig; config: TrainConfig } & DiskOptions,
): Promise<void> {
  const { checkpoint, exported } = trainingFiles(model, config);
  const needed = Math.max(checkpointsAtOnce(config) * checkpoint, checkpoint + exported);
  const remedy = 'free some space, or set moment_dtype: uint8, master_dtype: bfloat16 or lora in train.yaml';
  const started = join(out, 'checkpoint');
  await requireDisk(out, { needed, started, what: 'checkpoints and model take', remedy, ...options });
}

async function requireDisk(
  folder: string,
  {
    needed,
    started,
    what,
    remedy,
    free = freeBytes,
  }: { needed: number; started: string; what: string; remedy: string } & DiskOptions,
): Promise<void> {
  const room = (await free(folder)) + ((await findSize(started)) ?? 0);
  if (needed > room)
    throw new UserError({
      file: folder,
      problem: `${what} ${gigabytes(needed)}, and the disk has ${gigabytes(room)} left`,
      remedy,
    });
}
