// Rounding to one of the two neighbours, at random: up as often as the value is close to the upper one, so that on average
// nothing is lost, however small the changes of what is rounded.
import { bitcast, cast } from './layoutOps.ts';
import { int32, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** Float32 values to bfloat16; `bits16` are int32 numbers below 2¹⁶. */
export function roundRandomly(values: Tensor, bits16: Tensor): Tensor {
  const T = { T: 'int32' } as const;
  return tf.tidy(() => {
    const raised = rawOp('AddV2', [bitcast(values, 'int32'), bits16], T);
    return cast(bitcast(rawOp('BitwiseAnd', [raised, int32(-(2 ** 16))], T), 'float32'), 'bfloat16');
  });
}
