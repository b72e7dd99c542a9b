// Quantization against hqq 0.2.8 (test/golden/hqq, and ../shared/fixtures/hqq where it lies): the same packed bytes,
// hence the same codes. Then what is done with packed weights: whole matrices and some of their rows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withoutFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { cast, slice } from '../../pipeline/engine/layoutOps.ts';
import {
  dequantizeRows,
  disposePacked,
  packedMatMul,
  type Bits,
  type PackedWeight,
} from '../../pipeline/engine/packedWeight.ts';
import { bytesOf, tensorFromBytes } from '../../pipeline/engine/tensorBytes.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { tidyValue } from '../../pipeline/engine/tidyValue.ts';
import { toFloat32 } from '../../pipeline/model/halfPrecision.ts';
import { openSafetensors, type SafetensorsFile } from '../../pipeline/model/safetensors.ts';
import { groupingProblem, groupTensor } from '../../pipeline/teacher/groupedMatrix.ts';
import { quantizeHqq, relativeError, solveHqq, type HqqOptions } from '../../pipeline/teacher/quantizeHqq.ts';
import { FIXTURES, without } from '../needs.ts';

/** With the fused kernel, where there is one, and without. */
const WAYS = { fused: <R>(f: () => R) => f(), composed: withoutFusedKernels };

interface Case {
  key: string;
  nbits: Bits;
  axis: 0 | 1;
  group_size: number;
  optimize: boolean;
  rel_frobenius_err?: number;
}

for (const [folder, count] of [
  ['test/golden/hqq', 29],
  [`${FIXTURES}/hqq`, 18],
] as const)
  t.test(folder, { skip: without(folder) }, async (t) => {
    const list = readFileSync(join(folder, 'hqq_goldens.json'), 'utf8');
    const { cases } = JSON.parse(list) as { cases: Case[] };
    t.equal(cases.length, count);
    const goldens = await openSafetensors(join(folder, 'hqq_goldens.safetensors'));
    for (const golden of cases)
      await t.test(golden.key, async (t) => {
        const weight = await floatTensor(goldens, golden.key.startsWith('W2_') ? 'W2' : 'W');
        const options = { ...golden, bits: golden.nbits, groupSize: golden.group_size };
        const expected = await goldens.read(`${golden.key}.W_q_packed`);
        const dequantized = await floatTensor(goldens, `${golden.key}.W_deq`);
        for (const [way, run] of Object.entries(WAYS)) {
          const packed = run(() => quantizeHqq(weight, options));
          t.strictSame(packed.packed.shape, expected.shape);
          t.ok(Buffer.from(expected.data).equals(bytesOf(packed.packed)), `${way}: codes are equal`);
          const rows = dequantizeRows(packed, { begin: 0, end: packed.shape[0] }, 'float32');
          t.ok(maxDifference(rows, dequantized) < 1e-6, `${way}: values within 1e-6`);
        }
        if (golden.rel_frobenius_err !== undefined)
          t.ok(Math.abs(errorOf(weight, options) - golden.rel_frobenius_err) < 1e-6, 'relative error');
      });
    await goldens.close();
  });

const EVERY_FORM = ([8, 4, 3, 2, 1] as const).flatMap((bits) =>
  ([0, 1] as const).map((axis) => ({ bits, axis, optimize: false })),
);

t.test('any rows are those of the whole matrix, whether or not groups end with them', (t) => {
  for (const options of EVERY_FORM)
    tf.tidy(() => {
      const packed = quantizeHqq(tf.randomNormal([24, 40], 0, 1, 'float32', 1), {
        ...options,
        groupSize: 16,
      });
      const whole = dequantizeRows(packed, { begin: 0, end: 24 }, 'float32');
      for (const [begin, end] of [
        [0, 1],
        [7, 8],
        [3, 17],
        [11, 24],
      ] as const)
        // prettier-ignore
        t.equal(
          maxDifference(dequantizeRows(packed, { begin, end }, 'float32'), slice(whole, [begin, 0], [end - begin, 40])),
          0,
          `${options.bits} bits, axis ${options.axis}, rows ${begin} to ${end}`,
        );
    });
  t.end();
});

t.test('bfloat16 rows are the float32 ones rounded once', (t) => {
  tf.tidy(() => {
    const options: HqqOptions = { bits: 4, groupSize: 64, axis: 1, optimize: true };
    const packed = quantizeHqq(tf.randomNormal([64, 64], 0, 1, 'float32', 4), options);
    const rows = { begin: 5, end: 20 };
    const rounded = bytesOf(cast(dequantizeRows(packed, rows, 'float32'), 'bfloat16'));
    t.strictSame(bytesOf(dequantizeRows(packed, rows, 'bfloat16')), rounded);
  });
  t.end();
});

t.test('half the bytes of the source make the same weight, and nothing leaks', (t) => {
  const before = tf.memory().numTensors;
  const exact = tf.tidy(() =>
    cast(cast(tf.randomNormal([48, 64], 0, 1, 'float32', 5), 'bfloat16'), 'float32'),
  );
  const halves = cast(exact, 'bfloat16');
  const options: HqqOptions = { bits: 4, groupSize: 64, axis: 1, optimize: true };
  const [a, b] = [quantizeHqq(exact, options), quantizeHqq(halves, options)] as [PackedWeight, PackedWeight];
  t.strictSame(bytesOf(a.packed), bytesOf(b.packed));
  t.equal(errorOf(exact, options), errorOf(halves, options));
  packedMatMul(halves, a).dispose();
  disposePacked(a);
  disposePacked(b);
  tf.dispose([exact, halves]);
  t.equal(tf.memory().numTensors, before);
  t.end();
});

t.test('shapes that cannot be grouped or packed are told apart', (t) => {
  const problem = (shape: [number, number], bits: Bits, groupSize: number) =>
    groupingProblem(shape, { bits, groupSize, axis: 1 });
  t.equal(problem([64, 64], 4, 64), undefined);
  t.equal(problem([3, 64], 3, 64), undefined, '3 bits are filled up');
  t.match(problem([64, 64], 4, 96), /does not divide the 4096 weights/);
  t.match(problem([3, 64], 4, 64), /along axis 1 into 3 rows, and 4-bit codes are packed 2 rows to a byte/);
  t.match(problem([6, 64], 2, 64), /6 rows, and 2-bit codes are packed 4 rows to a byte/);
  t.equal(problem([8, 60], 1, 60), undefined, 'no multiple of 8');
  t.match(groupingProblem([8, 60], { bits: 1, groupSize: 60, axis: 0 }), /along axis 0 into 60 rows/);
  t.equal(problem([7, 11], 8, 1), undefined);
  t.end();
});

/** With scales and zero points in float32. */
function errorOf(weight: Tensor, options: HqqOptions): number {
  return tidyValue(() => {
    const matrix = groupTensor(weight, options);
    const groups = solveHqq(matrix, options);
    const stored = { scale: tf.div(1, groups.inverseScale), zero: groups.zero };
    return relativeError(matrix, groups, { bits: options.bits, stored }).error;
  });
}

async function floatTensor(file: SafetensorsFile, name: string): Promise<Tensor> {
  const stored = await file.read(name);
  return tensorFromBytes(new Uint8Array(toFloat32(stored).buffer), stored.shape, 'float32');
}

function maxDifference(a: Tensor, b: Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);
}
