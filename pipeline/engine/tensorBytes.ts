// Tensors from and to raw bytes: how weights, packed codes and cached logits cross between files and the engine.
// The binding moves uint8, int32 and float32 only; every other dtype crosses as those and is reinterpreted.
import { bitcast, concat, reshape } from './layoutOps.ts';
import { download, DTYPE_BYTES, dtypeOf, upload, type DType } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';
import { tidyValue } from './tidyValue.ts';

/**
 * A tensor over the given bytes (little-endian, row-major). The memory is shared, not copied: leave it unchanged.
 * @throws Error when bytes, shape and dtype disagree.
 */
export function tensorFromBytes(bytes: Uint8Array, shape: readonly number[], dtype: DType): Tensor {
  const width = DTYPE_BYTES[dtype];
  if (shape.reduce((size, side) => size * side, width) !== bytes.byteLength)
    throw new Error(`${bytes.byteLength} bytes do not make a ${dtype} tensor [${shape.join(', ')}]`);
  if (dtype === 'uint8') return upload(bytes, shape);
  if (dtype === 'float32' && bytes.byteOffset % 4 === 0)
    return upload(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), shape);
  return tf.tidy(() => bitcast(upload(bytes, [...shape, width]), dtype));
}

/** The tensor's bytes, whatever its dtype (little-endian, row-major). */
export function bytesOf(tensor: Tensor): Uint8Array {
  const bytes = tensor.size * DTYPE_BYTES[dtypeOf(tensor)];
  const values = tidyValue(() => {
    const flat = reshape(dtypeOf(tensor) === 'uint8' ? tensor : bitcast(tensor, 'uint8'), [bytes]);
    const missing = (4 - (bytes % 4)) % 4;
    const whole = missing === 0 ? flat : concat([flat, upload(new Uint8Array(missing), [missing])], 0);
    return download(bitcast(reshape(whole, [(bytes + missing) / 4, 4]), 'int32'));
  });
  return new Uint8Array(values.buffer, values.byteOffset, bytes);
}
