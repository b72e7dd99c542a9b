// A student to train on a tiny teacher's cache, for tests of adapters and frozen weights.
import type { Test } from 'tap';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { assign, readVariable } from '../../pipeline/engine/variable.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { loraConfig } from '../../pipeline/train/lora.ts';
import { accumulateGradients, refreshCopies, type Student } from '../../pipeline/train/student.ts';
import { lossOf, trainConfig } from '../../pipeline/train/trainConfig.ts';
import type { TrainFolders } from '../../pipeline/train/trainStudent.ts';
import { trainingBatch, type TrainingBatch } from '../../pipeline/train/trainingBatch.ts';
import { dumpScene } from '../logits/dumpScene.ts';
import { randomSamples } from '../tinyMix.ts';
import { makeTinyModel } from '../tinyModel.ts';

/** Where the parts of the scene lie, and one batch of it; its teacher is freed when the test ends. */
export interface LoraScene {
  at: (name: string) => string;
  folders: (out: string) => TrainFolders;
  batch: TrainingBatch;
}

/** Queries, keys and values are adapted in part, and with biases: their one product must keep its columns apart. */
export const SOME = loraConfig.parse({
  rank: 3,
  alpha: 5,
  targets: ['k_proj', 'o_proj', 'model.layers.1.mlp.*'],
});

export async function loraScene(t: Test): Promise<LoraScene> {
  const { at, samples, dump } = await dumpScene(t, { samples: randomSamples(24, { maxLength: 20 }) });
  await dump();
  await makeTinyModel(at('student'), { seed: 1, modelType: 'qwen2', dtype: 'BF16' });
  const cache = await openLogits(at('out'));
  const batch = await trainingBatch(samples.slice(0, 5), cache, { temperature: 1 });
  await cache.close();
  t.teardown(() => tf.dispose(Object.values(batch.targets)));
  const folders = (out: string) => ({
    mix: at('mix'),
    logits: at('out'),
    student: at('student'),
    out: at(out),
  });
  return { at, folders, batch };
}

/** Moves everything that is trained away from its start, where B is zero. */
export function stir(student: Student): void {
  let seed = 0;
  for (const { state } of student.parameters.values())
    tf.tidy(() => {
      const value = readVariable(state.weight);
      assign(state.weight, value.add(tf.randomNormal(value.shape, 0, 0.1, 'float32', ++seed)));
    });
  refreshCopies(student);
}

/** Adds the batch's gradients and gives its mean loss. */
export function backward(
  student: Student,
  batch: TrainingBatch,
  options: { recompute?: boolean; dropoutSeed?: number; headBlock?: number } = {},
): number {
  const n = batch.rows.length;
  const { divergence } = accumulateGradients(student, batch, {
    ...{ loss: lossOf(trainConfig.parse({})), scale: 1 / n, headBlock: 16, recompute: false },
    ...options,
  });
  return divergence / n;
}

/** The gradient of a parameter. */
export function gradientOf(student: Student, name: string): number[] {
  return tidyValue(() => Array.from(readVariable(student.parameters.get(name)!.gradient!).dataSync()));
}
