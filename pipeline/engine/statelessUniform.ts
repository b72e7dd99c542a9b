// Random numbers that are a function of their seed alone, whatever was drawn before and however many threads draw.
import { int32, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** Float32 values of the given shape, uniform in [0, 1), by a seed of two int32 numbers (Philox). */
export function statelessUniform(shape: readonly number[], seed: readonly [number, number]): Tensor {
  const attributes = { dtype: 'float32', T: 'int32', Tseed: 'int32' } as const;
  return tf.tidy(() => rawOp('StatelessRandomUniform', [int32(shape), int32(seed)], attributes));
}
