// The trained student as a Hugging Face model folder: the base model's own files, with the trained weights in place
// of its weights and config.json saying their dtype. transformers, vLLM and llama.cpp's converter read it as it is.
// Frozen weights come from the base's own file, not from the copy that training used, and adapters are merged into
// them, W + s B A in float32: so every weight is rounded once.
import { rm } from 'node:fs/promises';
import type { FileRecord } from '../artifact/commitFile.ts';
import { cast } from '../engine/layoutOps.ts';
import { matMul } from '../engine/matMul.ts';
import { bytesOf } from '../engine/tensorBytes.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { readVariable, type Variable } from '../engine/variable.ts';
import { openCheckpoint, writeCheckpoint } from '../model/checkpoint.ts';
import { copyModelFiles, dtypeSetting } from '../model/copyModelFiles.ts';
import { decoderShapes } from '../model/decoderShapes.ts';
import { readTensor } from '../model/loadDecoder.ts';
import type { TensorSource } from '../model/safetensors.ts';
import { loraScale, type LoraConfig } from './lora.ts';
import type { Student } from './student.ts';

interface ExportOptions {
  /** The folder the student was loaded from. */
  base: string;
  folder: string;
  dtype: 'float32' | 'bfloat16';
  lora?: LoraConfig | undefined;
  /** Of a file with weights; beyond it there are several, with an index. */
  maxShardBytes?: number;
}

/**
 * Writes `folder`, each file by the commit protocol.
 * @returns the records of all files, sorted by name
 */
export async function exportModel(
  student: Student,
  { base, folder, dtype, lora, maxShardBytes = 5e9 }: ExportOptions,
): Promise<FileRecord[]> {
  await rm(folder, { recursive: true, force: true });
  const checkpoint = await openCheckpoint(base);
  try {
    const tensors = [...decoderShapes(checkpoint.config)].map(([name, shape]): TensorSource => {
      const weight = async () => {
        const trained = student.parameters.get(name);
        if (trained) return readVariable(trained.state.weight);
        return merged(await readTensor(checkpoint, name, shape, 'float32'), adapterOf(name));
      };
      return {
        ...{ name, shape, dtype: dtype === 'float32' ? 'F32' : 'BF16' },
        data: async () => bytesInDtype(await weight(), dtype),
      };
    });
    const records = [
      ...(await writeCheckpoint(folder, { tensors, maxShardBytes })),
      ...(await copyModelFiles({ from: base, to: folder, change: (config) => dtypeSetting(config, dtype) })),
    ];
    return records.sort((a, b) => (a.file < b.file ? -1 : 1));
  } finally {
    await checkpoint.close();
  }

  function adapterOf(weight: string): MergedAdapter | undefined {
    const master = (part: 'A' | 'B') =>
      student.parameters.get(weight.replace(/weight$/, `lora_${part}.weight`))?.state.weight;
    const [down, up] = [master('A'), master('B')];
    return lora && down && up ? { down, up, scale: loraScale(lora) } : undefined;
  }
}

interface MergedAdapter {
  down: Variable; // A [rank, in]
  up: Variable; // B [out, rank]
  scale: number;
}

/** W + s B A in place of W, which is freed. */
function merged(weight: Tensor, adapter: MergedAdapter | undefined): Tensor {
  if (!adapter) return weight;
  const { down, up, scale } = adapter;
  const sum = tf.tidy(() => {
    const [B, A] = [up, down].map((part) => cast(readVariable(part), 'float32')) as [Tensor, Tensor];
    return weight.add(matMul(B, A).mul(scale));
  });
  weight.dispose();
  return sum;
}

/** The bytes of a tensor, which is freed. */
function bytesInDtype(weight: Tensor, dtype: 'float32' | 'bfloat16'): Uint8Array {
  const converted = cast(weight, dtype);
  const bytes = bytesOf(converted);
  tf.dispose([weight, converted]);
  return bytes;
}
