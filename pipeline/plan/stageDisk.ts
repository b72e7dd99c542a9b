// What a training leaves on disk, and whether there is room for it before it starts.
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

/** @throws UserError when the disk of `folder` cannot take the checkpoints and the model. */
export async function requireDiskForTraining(
  folder: string,
  { model, config, free = freeBytes }: { model: ModelConfig; config: TrainConfig; free?: typeof freeBytes },
): Promise<void> {
  const { checkpoint, exported } = trainingFiles(model, config);
  const needed = Math.max(checkpointsAtOnce(config) * checkpoint, checkpoint + exported);
  const room = await free(folder);
  if (needed > room)
    throw new UserError({
      file: folder,
      problem: `checkpoints and model take ${gigabytes(needed)}, and the disk has ${gigabytes(room)} left`,
      remedy: 'free some space, or set moment_dtype: uint8, master_dtype: bfloat16 or lora in train.yaml',
    });
}
