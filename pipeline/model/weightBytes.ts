// What a model's weights take in memory once loadDecoder.ts has loaded them, from the headers of its files alone: packed
// layers as they are stored, with scales and zero points, all else in the precision of the products.
import { DTYPE_BYTES } from '../engine/rawOp.ts';
import { openWeights } from './checkpoint.ts';
import { byteLength, elementsOf } from './safetensors.ts';

/** Bytes of the weights of a checkpoint folder. @throws UserError when its files cannot be read. */
export async function weightBytes(
  folder: string,
  { dtype }: { dtype: 'float32' | 'bfloat16' },
): Promise<number> {
  const { names, info, close } = await openWeights(folder);
  await close();
  const packed = new Set(names().flatMap((name) => (name.endsWith('.W_q') ? [moduleOf(name)] : [])));
  const bytesOf = (name: string) =>
    packed.has(moduleOf(name)) ? byteLength(info(name)) : DTYPE_BYTES[dtype] * elementsOf(info(name).shape);
  return names().reduce((sum, name) => sum + bytesOf(name), 0);
}

function moduleOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}
