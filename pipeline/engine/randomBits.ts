// Random bits as a function of key and index (Philox, by TensorFlow's own op, as native/philox.h has it): whatever was
// drawn before, on any device, in any pieces and by any number of threads.
import { bitcast, reshape } from './layoutOps.ts';
import { int32, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** What chooses a sequence of random bits: two int32 numbers. */
export type RandomKey = readonly [number, number];

const PHILOX = 1; // TensorFlow's RNG_ALG_PHILOX

/** 32 random bits, as int32, for each index of a sequence from `begin` (a multiple of 4) on: [size]. */
export function randomBits(key: RandomKey, { begin, size }: { begin: number; size: number }): Tensor {
  const uint64s = (...words: number[]) => bitcast(reshape(int32(words), [words.length / 2, 2]), 'uint64');
  const counter = begin / 4; // it gives four numbers
  return tf.tidy(() => {
    const position = uint64s(counter | 0, Math.floor(counter / 2 ** 32), 0, 0);
    const inputs = [int32([size]), uint64s(...key), position, int32(PHILOX)];
    return rawOp('StatelessRandomUniformFullIntV2', inputs, { dtype: 'int32', Tshape: 'int32' });
  });
}

/** `width` of the bits from `shift` on, as int32. */
export function bitsFrom(bits: Tensor, shift: number, width: number): Tensor {
  const T = { T: 'int32' } as const;
  return tf.tidy(() =>
    rawOp('BitwiseAnd', [rawOp('RightShift', [bits, int32(shift)], T), int32(2 ** width - 1)], T),
  );
}
