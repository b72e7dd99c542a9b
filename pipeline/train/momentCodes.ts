// AdamW's moments in 8 bits. The step is a quotient, m / √v, and an element with small gradients among large ones needs
// both sides small: so m and √v are held alike, as fourth powers of codes over the largest of their block of 256,
//   m = ±(k / 127)⁴ max|m|,   √v = (c / 255)⁴ max √v,
// like the dynamic code of 8-bit optimizers (arXiv 2110.02861) about as fine for small values as for large ones, and simple
// enough to be the same on every device. With squares, steps were off three times as much. v > 0 never reads 0. Codes are
// rounded at random (engine/roundRandomly.ts): a mean that moves by less than half a code each step would stand still.
import { cast, reshape } from '../engine/layoutOps.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';

/** Elements that share a scale. */
export const CODE_BLOCK = 256;

/** What stands for 0 in either moment. */
export const ZERO_CODES = { first: 128, second: 0 };

/** Codes [n] uint8 and scales [⌈n / 256⌉] float32. */
export interface Codes {
  codes: Tensor;
  scales: Tensor;
}

/** m [n] of its codes. */
export function decodeFirst({ codes, scales }: Codes): Tensor {
  return tf.tidy(() => {
    const k = cast(codes, 'float32').sub<Tensor>(128);
    return perBlock(fourthPower(k).mul(tf.sign(k)), scales.div(127 ** 4), 'mul');
  });
}

/** v [n] of its codes. */
export function decodeSecond({ codes, scales }: Codes): Tensor {
  return tf.tidy(() => perBlock(fourthPower(cast(codes, 'float32')), scales.div(255 ** 4), 'mul').square());
}

/** @param bits8 [n] int32, random */
export function encodeFirst(m: Tensor, bits8: Tensor): Codes {
  return tf.tidy(() => {
    const scales = blockMaximum(m.abs());
    const k = codeOf(perBlock(m.abs(), scales, 'divNoNan'), 127, bits8);
    return { codes: cast(tf.where(tf.less(m, 0), k.neg(), k).add<Tensor>(128), 'uint8'), scales };
  });
}

/** @param bits8 [n] int32, random */
export function encodeSecond(v: Tensor, bits8: Tensor): Codes {
  return tf.tidy(() => {
    const root = v.sqrt();
    const scales = blockMaximum(root);
    const c = codeOf(perBlock(root, scales, 'divNoNan'), 255, bits8);
    return { codes: cast(tf.maximum(c, tf.greater(v, 0).cast('float32')), 'uint8'), scales };
  });
}

/** The code k of a part from 0 to 1 of levels⁴, whose fourth power is k⁴ or (k + 1)⁴. */
function codeOf(part: Tensor, levels: number, bits8: Tensor): Tensor {
  const k = part.sqrt().sqrt().mul<Tensor>(levels).floor<Tensor>();
  const below = fourthPower(k);
  const above = part
    .mul(levels ** 4)
    .sub(below)
    .div(fourthPower(k.add(1)).sub(below));
  return k.add(tf.greater(above, cast(bits8, 'float32').add<Tensor>(0.5).div(256)).cast('float32'));
}

function fourthPower(x: Tensor): Tensor {
  return x.square().square();
}

/** Combines values [n] with the number of each block. */
function perBlock(values: Tensor, ofBlock: Tensor, how: 'mul' | 'divNoNan'): Tensor {
  const blocks = toBlocks(values);
  const result = how === 'mul' ? blocks.mul(ofBlock.expandDims(1)) : blocks.divNoNan(ofBlock.expandDims(1));
  return reshape(result, [-1]).slice([0], [values.size]);
}

function blockMaximum(values: Tensor): Tensor {
  return toBlocks(values).max(1);
}

/** [n] as [⌈n / 256⌉, 256], with zeros at the end. */
function toBlocks(values: Tensor): Tensor {
  const missing = (CODE_BLOCK - (values.size % CODE_BLOCK)) % CODE_BLOCK;
  return reshape(tf.pad(values, [[0, missing]]), [-1, CODE_BLOCK]);
}
