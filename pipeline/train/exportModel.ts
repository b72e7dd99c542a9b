// The trained student as a Hugging Face model folder: the base model's own files, with the trained weights in place
// of its weights and config.json saying their dtype. transformers, vLLM and llama.cpp's converter read it as it is.
import { rm } from 'node:fs/promises';
import type { FileRecord } from '../artifact/commitFile.ts';
import { cast } from '../engine/layoutOps.ts';
import { bytesOf } from '../engine/tensorBytes.ts';
import type { Tensor } from '../engine/tensorflow.ts';
import { withValue, type Variable } from '../engine/variable.ts';
import { writeCheckpoint } from '../model/checkpoint.ts';
import { copyModelFiles, dtypeSetting } from '../model/copyModelFiles.ts';
import type { TensorSource } from '../model/safetensors.ts';
import type { Student } from './student.ts';

/**
 * Writes `folder`, each file by the commit protocol.
 * @param base the folder the student was loaded from
 * @returns the records of all files, sorted by name
 */
export async function exportModel(
  student: Student,
  { base, folder, dtype }: { base: string; folder: string; dtype: 'float32' | 'bfloat16' },
): Promise<FileRecord[]> {
  await rm(folder, { recursive: true, force: true });
  const tensors = [...student.parameters].map(([name, { state }]) => weightSource(name, state.weight, dtype));
  const records = [
    ...(await writeCheckpoint(folder, { tensors })),
    ...(await copyModelFiles({ from: base, to: folder, change: (config) => dtypeSetting(config, dtype) })),
  ];
  return records.sort((a, b) => (a.file < b.file ? -1 : 1));
}

function weightSource(name: string, variable: Variable, dtype: 'float32' | 'bfloat16'): TensorSource {
  const shape = withValue(variable, (value) => value.shape);
  return {
    name,
    dtype: dtype === 'float32' ? 'F32' : 'BF16',
    shape,
    data: () => withValue(variable, inDtype),
  };

  function inDtype(value: Tensor): Uint8Array {
    const converted = cast(value, dtype);
    const bytes = bytesOf(converted);
    converted.dispose();
    return bytes;
  }
}
