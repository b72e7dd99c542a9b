// A bfloat16 product is the float32 product rounded, on every processor: neither farther off nor drawn towards 0.
import t from 'tap';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import { batchMatMul, matMul } from '../../pipeline/engine/matMul.ts';
import { dtypeOf } from '../../pipeline/engine/rawOp.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';

const HALF_DIGIT = 2 ** -8; // of the value at worst: bfloat16 keeps 8 binary digits
const ORDER = 1e-5; // float32 sums of other orders, relative to the sum of absolute values

const normal = (shape: number[], seed: number) =>
  cast(tf.randomNormal(shape, 0, 1, 'float32', seed), 'bfloat16');

const CASES: Record<string, () => Tensor[]> = {
  'one row': () => [normal([1, 70], 1), normal([70, 130], 2)],
  'few rows': () => [normal([5, 700], 1), normal([700, 130], 2)],
  'many rows': () => [normal([300, 70], 1), normal([70, 513], 2)],
  'a stack': () => [normal([2, 3, 40, 24], 1), normal([2, 3, 24, 77], 2)],
};

/** With its last two axes exchanged. */
const transposed = (x: Tensor) => {
  const axes = x.shape.length === 2 ? [1, 0] : [0, 1, 3, 2];
  return cast(tf.transpose(cast(x, 'float32'), axes), 'bfloat16');
};

for (const [name, operands] of Object.entries(CASES))
  for (const [transposeA, transposeB] of [
    [false, false],
    [false, true],
    [true, false],
  ] as const)
    t.test(
      `${name}${transposeA ? ', first transposed' : ''}${transposeB ? ', second transposed' : ''}`,
      (t) => {
        tf.tidy(() => {
          const [a, b] = operands() as [Tensor, Tensor];
          const multiply = a.shape.length === 2 ? matMul : batchMatMul;
          const sides = [transposeA ? transposed(a) : a, transposeB ? transposed(b) : b] as const;
          const product = multiply(...sides, { transposeA, transposeB });
          t.equal(dtypeOf(product), 'bfloat16');
          const [x, y] = [cast(a, 'float32'), cast(b, 'float32')];
          const exact = tf.matMul(x, y);
          const error = tf.sub(tf.abs(cast(product, 'float32')), tf.abs(exact));
          const allowed = tf
            .abs(exact)
            .mul(HALF_DIGIT)
            .add(tf.matMul(tf.abs(x), tf.abs(y)).mul(ORDER));
          const excess = tf.max(tf.abs(error).sub(allowed)).dataSync()[0]!;
          t.ok(excess <= 0, `${excess} more than rounding`);
          const drawn = tf
            .sum(error)
            .div(tf.sum(tf.abs(exact)))
            .dataSync()[0]!; // cut off: -0.0028
          t.ok(Math.abs(drawn) < HALF_DIGIT / 10, `drawn by ${drawn}`);
        });
        t.end();
      },
    );
