// Each fused kernel gives what the ops it stands for give: in float32 to rounding, in bfloat16 to its last digit.
// Sizes are odd on purpose, so that vectors, blocks and tiles end where rows do not.
import t from 'tap';
import { hasFusedKernels, withoutFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { dropout } from '../../pipeline/engine/dropout.ts';
import { cast } from '../../pipeline/engine/layoutOps.ts';
import {
  dequantizeRows,
  disposePacked,
  packCodes,
  PACKINGS,
  packedMatMul,
  tilesOf,
  type Bits,
  type PackedWeight,
} from '../../pipeline/engine/packedWeight.ts';
import { dtypeOf, rawOp, type DType } from '../../pipeline/engine/rawOp.ts';
import { logSumExp, scaledSoftmax } from '../../pipeline/engine/softmax.ts';
import { backpropagate, record } from '../../pipeline/engine/tape.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { disposeVariable, readVariable, variableOf } from '../../pipeline/engine/variable.ts';
import { topOfLogits } from '../../pipeline/logits/topTokens.ts';
import { addResidual } from '../../pipeline/model/decoder.ts';
import { attentionGroups, packedAttention } from '../../pipeline/model/packedAttention.ts';
import { rmsNorm } from '../../pipeline/model/rmsNorm.ts';
import { swiglu } from '../../pipeline/model/swiglu.ts';
import { addToGradient, addToRows, globalNorm } from '../../pipeline/train/gradients.ts';

const DTYPES = ['float32', 'bfloat16'] as const;
const TOLERANCE = { float32: 2e-6, bfloat16: 2 ** -7 }; // relative to the largest value of the row

const normal = (shape: number[], dtype: DType = 'float32', seed = 1) =>
  cast(tf.randomNormal(shape, 0, 2, 'float32', seed), dtype);

/** The largest difference of the two ways, relative to the largest value. */
function difference(compute: () => Tensor): number {
  return tf.tidy(() => {
    const fused = cast(compute(), 'float32');
    const composed = cast(withoutFusedKernels(compute), 'float32');
    const largest = tf.max(tf.abs(composed));
    return tf
      .max(tf.abs(tf.sub(fused, composed)))
      .div(largest)
      .dataSync()[0]!;
  });
}

/** Of 6 heads that share 2 keys, over samples of these lengths. */
function attentionCase(lengths: number[], dtype: DType): Case {
  const [headDim, N] = [24, lengths.reduce((sum, length) => sum + length, 0)];
  const rope = { theta: 10_000, scaling: { type: 'default' } } as const;
  const groups = attentionGroups({ rope, headDim }, lengths);
  return {
    inputs: [normal([N, 10 * headDim], dtype)],
    compute: (heads) => packedAttention(heads, { queryHeads: 6, headDim, groups }),
  };
}

interface Case {
  inputs: Tensor[];
  compute: (...inputs: Tensor[]) => Tensor;
}

/** By name, in a dtype. */
const CASES: Record<string, (dtype: 'float32' | 'bfloat16') => Case> = {
  rmsNorm: (dtype) => ({
    inputs: [normal([71, 301]), normal([301], 'float32', 2)],
    compute: (x, gamma) => rmsNorm(x, gamma, { eps: 1e-5, dtype }),
  }),
  swiglu: (dtype) => ({
    inputs: [normal([5, 333], dtype), normal([5, 333], dtype, 2)],
    compute: (gate, up) => swiglu(gate, up),
  }),
  'swiglu far from 0': (dtype) => ({
    inputs: [cast(normal([5, 33]).mul(40), dtype), normal([5, 33], dtype, 2)],
    compute: (gate, up) => swiglu(gate, up),
  }),
  addResidual: (dtype) => ({
    inputs: [normal([7, 301]), normal([7, 301], dtype, 2)],
    compute: (x, y) => addResidual(x, y),
  }),
  'attention, one block of queries': (dtype) => attentionCase([77, 77], dtype),
  'attention, three blocks of queries': (dtype) => attentionCase([601, 601], dtype),
  'attention, samples of several lengths': (dtype) => attentionCase([300, 280, 77, 76, 5], dtype),
};

/** The gradients of all inputs for one random gradient of the value. */
function gradientsOf({ inputs, compute }: Case): Tensor[] {
  const found: Tensor[] = [];
  const { value, tape } = record(() => compute(...inputs));
  const leaves = inputs.map(
    (input, i) => [input.id, (d: Tensor) => void (found[i] = tf.keep(d.clone()))] as const,
  );
  // In the precision of the value: a product's gradient would come so.
  backpropagate(tape, normal(value.shape, dtypeOf(value), 9), new Map(leaves));
  return found;
}

t.test('the kernels are in the binding', { skip: hasFusedKernels() ? false : 'not on this device' }, (t) => {
  for (const [name, caseIn] of Object.entries(CASES))
    for (const dtype of DTYPES) {
      const { inputs, compute } = caseIn(dtype);
      const found = difference(() => compute(...inputs));
      t.ok(found < TOLERANCE[dtype], `${name} in ${dtype}: ${found}`);
      inputs.forEach((_, i) => {
        const found = difference(() => gradientsOf({ inputs, compute })[i]!);
        t.ok(found < TOLERANCE[dtype], `gradient ${i} of ${name} in ${dtype}: ${found}`);
      });
    }
  t.end();
});

for (const bits of Object.keys(PACKINGS).map(Number) as Bits[])
  for (const axis of [1, 0] as const)
    t.test(`${bits} bits, axis ${axis}: rows of a packed matrix, to the bit`, (t) => {
      const weight = randomPacked({ bits, axis, shape: [48, 40], groupSize: 16 });
      for (const dtype of DTYPES)
        for (const rows of [
          { begin: 0, end: 48 },
          { begin: 5, end: 31 },
        ])
          t.equal(
            difference(() => dequantizeRows(weight, rows, dtype)),
            0,
            dtype,
          );
      const x = normal([3, 40]);
      t.equal(
        difference(() => packedMatMul(x, weight, weight)),
        0,
        'a product',
      );
      disposePacked(weight);
      t.end();
    });

t.test('a product by tiles is that of the dequantized matrix', (t) => {
  for (const axis of [1, 0] as const)
    tf.tidy(() => {
      const [out, columns] = [4200, 4000];
      const weight = randomPacked({ bits: 4, axis, shape: [out, columns], groupSize: 50 });
      t.equal(tilesOf(weight).length, 2, 'tiles');
      const x = normal([5, columns], 'bfloat16');
      const whole = cast(dequantizeRows(weight, { begin: 0, end: out }, 'bfloat16'), 'float32');
      const expected = tf.matMul(cast(x, 'float32'), whole, false, true);
      const error = tf.max(tf.abs(tf.sub(cast(packedMatMul(x, weight), 'float32'), expected)));
      const relative = error.div(tf.max(tf.abs(expected))).dataSync()[0]!;
      t.ok(relative < 2 ** -8, `${relative}`);
    });
  t.end();
});

function randomPacked(form: Pick<PackedWeight, 'bits' | 'axis' | 'shape' | 'groupSize'>): PackedWeight {
  const { bits, axis, shape, groupSize } = form;
  const groups = (shape[0] * shape[1]) / groupSize;
  const grouped = axis === 1 ? [groups, groupSize] : [groupSize, groups];
  const parameter = axis === 1 ? [groups, 1] : [1, groups];
  const codes = cast(tf.floor(tf.randomUniform(grouped, 0, 2 ** bits, 'float32', 3)), 'uint8');
  return {
    ...{ kind: 'packed', ...form },
    packed: packCodes(codes, bits),
    scale: cast(tf.randomUniform(parameter, -1e-4, 1, 'float32', 4).pow(8), 'float16'), // subnormal halves among them
    zero: cast(tf.randomUniform(parameter, -3, 2 ** bits, 'float32', 5), 'float16'),
  };
}

t.test('softmax of wide rows', (t) => {
  for (const dtype of DTYPES) {
    const x = normal([6, 3001], dtype);
    const lse = difference(() => logSumExp(x));
    t.ok(lse < TOLERANCE.float32, `log-sum-exp in ${dtype}: ${lse}`);
    const factor = normal([6, 1], 'float32', 2);
    const scaled = difference(() => scaledSoftmax(x, { logSumExp: logSumExp(x), factor, dtype }));
    t.ok(scaled < TOLERANCE[dtype], `scaled softmax in ${dtype}: ${scaled}`);
  }
  t.end();
});

t.test('dropout, to the bit, and as often as asked for', (t) => {
  for (const dtype of DTYPES) {
    const drop = (rate: number, index = 5) => dropout(normal([71, 301], dtype), { key: [-9, index], rate });
    t.equal(
      difference(() => drop(0.3)),
      0,
      dtype,
    );
    const zeros = (x: Tensor) => tf.equal(cast(x, 'float32'), 0).cast('float32');
    const [some, none, others] = [zeros(drop(0.3)), zeros(drop(0)), zeros(drop(0.3, 6))];
    const spread = Math.sqrt((0.3 * 0.7) / some.size);
    t.ok(Math.abs(some.mean().dataSync()[0]! - 0.3) < 4 * spread);
    t.equal(none.sum().dataSync()[0], 0);
    t.ok(Math.abs(some.mul(others).mean().dataSync()[0]! - 0.09) < 4 * spread, 'another key is independent');
  }
  t.end();
});

t.test('sums and squares of gradients', (t) => {
  for (const dtype of DTYPES) {
    const norm = difference(() => {
      const gradient = variableOf(() => normal([71, 301], dtype));
      const value = tf.scalar(globalNorm([gradient]));
      disposeVariable(gradient);
      return value;
    });
    t.ok(norm < TOLERANCE.float32, `norm in ${dtype}: ${norm}`);
    const sum = difference(() => {
      let gradient = addToGradient(undefined, normal([71, 301], dtype));
      for (const seed of [2, 3]) gradient = addToGradient(gradient, normal([71, 301], dtype, seed));
      const value = readVariable(gradient);
      disposeVariable(gradient);
      return value;
    });
    t.equal(sum, 0, `sum in ${dtype}`);
    const rows = difference(() => {
      const before = addToGradient(undefined, normal([71, 301], dtype));
      const at = { rows: Int32Array.of(70, 3, 3, 0), shape: [71, 301] };
      const gradient = addToRows(before, normal([4, 301], 'float32', 2), at);
      const value = readVariable(gradient);
      disposeVariable(gradient);
      return value;
    });
    t.equal(rows, 0, `rows in ${dtype}`);
  }
  t.end();
});

t.test('the most probable tokens', (t) => {
  for (const dtype of DTYPES) {
    const logits = normal([6, 1003], dtype);
    const options = { k: 65, vocabularySize: 1001, temperatures: [1, 0.7] };
    const fused = topOfLogits(logits, options);
    const composed = withoutFusedKernels(() => topOfLogits(logits, options));
    t.same(fused.ids, composed.ids, 'ids');
    t.same(fused.logits, composed.logits, 'logits');
    fused.atTemperature.forEach(({ firstProbability, outside }, T) => {
      const other = composed.atTemperature[T]!;
      firstProbability.forEach((p, i) => t.ok(Math.abs(p / other.firstProbability[i]! - 1) < 2e-6));
      outside.forEach((p, i) => t.ok(Math.abs(p / other.outside[i]! - 1) < 2e-6));
    });
  }
  t.end();
});

t.test('a kernel that is given what it cannot take says so', (t) => {
  const [gate, up] = [tf.zeros([2, 3]), tf.zeros([2, 4])];
  t.throws(() => rawOp('RedistillSwiglu', [gate, up], { T: 'float32' }), {
    message: /RedistillSwiglu: gate and up differ in size/,
  });
  t.end();
});
