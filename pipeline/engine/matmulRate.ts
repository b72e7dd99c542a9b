// The rate of square matrix products, by which machines and builds of TensorFlow are compared.
import { cast, slice } from './layoutOps.ts';
import { matMul } from './matMul.ts';
import { download } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** GFLOP/s of a product of two [side, side] matrices: the median of `repetitions`, after a first one that warms up. */
export function matmulRate({
  dtype,
  side = 2048,
  repetitions = 5,
}: {
  dtype: 'float32' | 'bfloat16';
  side?: number;
  repetitions?: number;
}): number {
  return tf.tidy(() => {
    const [a, b] = [1, 2].map((seed) => cast(tf.randomUniform([side, side], -1, 1, 'float32', seed), dtype));
    const multiply = (): void => tf.tidy(() => finish(matMul(a!, b!)));
    multiply();
    const seconds = Array.from({ length: repetitions }, () => secondsOf(multiply)).sort((x, y) => x - y);
    return (2 * side ** 3) / seconds[Math.floor(repetitions / 2)]! / 1e9;
  });
}

/** Reads one element back: a GPU returns from the op itself before the work is done. */
function finish(product: Tensor): void {
  download(cast(slice(product, [0, 0], [1, 1]), 'float32'));
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
